# cmake -DGENERATOR=... -DEXAMPLE=... -DDIR=... -DNINJA=... -DKILN_DIR=... -DHalide_DIR=... -P schedules.cmake: a project of
# its own with records in its schedules/: that of this target is used, and its pipelines depend on it; others are not.
file(REMOVE_RECURSE "${DIR}")
file(COPY "${EXAMPLE}/" DESTINATION "${DIR}/project")
execute_process(
  COMMAND "${GENERATOR}" -g kiln -f named -n named -o "${DIR}" -e stmt target=host kind=infer block=8 profile=true
    "record=${DIR}/named.json"
  COMMAND_ERROR_IS_FATAL ANY)
file(READ "${DIR}/named.json" named)
string(JSON target GET "${named}" target)
set(schedules "${DIR}/project/schedules")
set(record "${schedules}/my_model.${target}.json")

# Configures; sets `used` to whether the build says that it takes the record, and `inputs` to what a pipeline depends on.
macro(configure)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -G Ninja "-DCMAKE_MAKE_PROGRAM=${NINJA}" "-DHalide_DIR=${Halide_DIR}"
      "-DKILN_DIR=${KILN_DIR}" -S "${DIR}/project" -B "${DIR}/build"
    OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(FIND "${output}" "-- my_model: schedules as tuned in ${record}" used)
  execute_process(COMMAND "${NINJA}" -C "${DIR}/build" -t inputs bin/my_model
                  OUTPUT_VARIABLE inputs COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${NINJA}" -C "${DIR}/build" -t commands bin/my_model
                  OUTPUT_VARIABLE commands COMMAND_ERROR_IS_FATAL ANY)
endmacro()

file(WRITE "${schedules}/my_model.riscv-64-linux.json" "{}")
configure()
if(NOT used EQUAL -1 OR inputs MATCHES "/project/schedules/" OR commands MATCHES "tuned=")
  message(FATAL_ERROR "the record of another target is used:\n${output}")
endif()
file(WRITE "${record}" "{}")
configure()
if(used EQUAL -1)
  message(FATAL_ERROR "the build does not say that it uses ${record}:\n${output}")
endif()
string(FIND "${inputs}" "${record}" depends)
if(depends EQUAL -1)
  message(FATAL_ERROR "no pipeline depends on ${record}:\n${inputs}")
endif()
string(REGEX MATCHALL "[^\n]*kind=[^\n]*" emissions "${commands}")
foreach(emission IN LISTS emissions)
  string(FIND "${emission}" "tuned=${record}" at)
  if(emission MATCHES "schedule=fast" AND NOT emission MATCHES "kind=prepare" AND at EQUAL -1)
    message(FATAL_ERROR "without the record: ${emission}")
  elseif(emission MATCHES "schedule=naive" AND NOT at EQUAL -1)
    message(FATAL_ERROR "a naive pipeline with the record: ${emission}")
  endif()
endforeach()
