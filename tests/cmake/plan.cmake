# cmake -DGENERATOR=... -DDIR=... -DPIPELINES="kind:block:optimizer ..." -P plan.cmake: the memory plan of each pipeline is within
# a tenth of its lower bound, for AVX2 and AVX-512. Lowers them without compiling, which is for models that no test compiles.
file(REMOVE_RECURSE "${DIR}")
file(MAKE_DIRECTORY "${DIR}")
separate_arguments(PIPELINES)
foreach(pipeline IN LISTS PIPELINES)
  string(REGEX MATCH "^(.*):(.*):(.*)$" matched "${pipeline}")
  set(params kind=${CMAKE_MATCH_1} block=${CMAKE_MATCH_2} schedule=fast)
  if(CMAKE_MATCH_3)
    list(APPEND params optimizer=${CMAKE_MATCH_3})
  endif()
  foreach(features IN ITEMS avx-avx2-f16c-fma-sse41 avx-avx2-avx512-avx512_skylake-f16c-fma-sse41)
    execute_process(
      COMMAND "${GENERATOR}" -g kiln -f planned -n planned -o "${DIR}" -e stmt target=x86-64-linux-${features}-no_runtime ${params}
        "record=${DIR}/planned.json"
      COMMAND_ERROR_IS_FATAL ANY)
    file(READ "${DIR}/planned.json" json)
    string(JSON bytes GET "${json}" workspace_bytes)
    string(JSON bound GET "${json}" workspace_lower_bound)
    string(JSON count LENGTH "${json}" allocations)
    math(EXPR ten_times "10 * ${bytes}")
    math(EXPR eleven_times "11 * ${bound}")
    message(STATUS "${pipeline} ${features}: ${bytes} bytes, at least ${bound}, ${count} allocations")
    if(bound LESS_EQUAL 0 OR bytes LESS bound OR ten_times GREATER eleven_times)
      message(FATAL_ERROR "${pipeline} for ${features} takes ${bytes} bytes, and ${bound} are alive at one time")
    endif()
  endforeach()
endforeach()
