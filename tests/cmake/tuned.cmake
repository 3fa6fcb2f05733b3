# cmake -DGENERATOR=... -DDIR=... -P tuned.cmake: what a record of schedules changes in an emission, and what the build says of
# one that it cannot use.
function(emit name)  # further arguments are the generator's; sets <name>_error, <name>_json and <name>_stmt
  file(MAKE_DIRECTORY "${DIR}/${name}")
  execute_process(
    COMMAND "${GENERATOR}" -g kiln -f tuned -n tuned -o "${DIR}/${name}" -e stmt target=host kind=grad block=8 schedule=fast
      "record=${DIR}/${name}/tuned.json" ${ARGN}
    RESULT_VARIABLE code ERROR_VARIABLE error)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${name}: exit code ${code}: ${error}")
  endif()
  file(READ "${DIR}/${name}/tuned.json" json)
  file(READ "${DIR}/${name}/tuned.stmt" stmt)
  foreach(what IN ITEMS error json stmt)
    set(${name}_${what} "${${what}}" PARENT_SCOPE)
  endforeach()
endfunction()

# A record of one node, in the file <name>.record.json.
function(write_record name version family space tile)
  file(WRITE "${DIR}/${name}.record.json" "{\"kiln_schedules\": ${version}, \"pipelines\": "
       "{\"grad_b8\": {\"${node}\": {\"family\": \"${family}\", \"space\": ${space}, \"tile\": ${tile}}}}}")
endfunction()

file(REMOVE_RECURSE "${DIR}")
emit(computed profile=true)
string(JSON node GET "${computed_json}" schedules 0 node)
string(JSON family GET "${computed_json}" schedules 0 family)
string(JSON space GET "${computed_json}" schedules 0 families 0 space)
string(JSON tile GET "${computed_json}" schedules 0 families 0 candidates 1)
emit(computed)

write_record(valid 3 "${family}" "${space}" "${tile}")
emit(valid "tuned=${DIR}/valid.record.json")
string(JSON schedule GET "${valid_json}" schedule)
string(JSON chosen GET "${valid_json}" schedules 0 tile)
string(REGEX REPLACE "[ \n]" "" chosen "${chosen}")
string(REGEX REPLACE "[ \n]" "" tile "${tile}")
if(NOT schedule STREQUAL tuned OR NOT chosen STREQUAL tile OR NOT valid_error STREQUAL "")
  message(FATAL_ERROR "a valid record: schedule ${schedule}, tile ${chosen} instead of ${tile}, standard error '${valid_error}'")
endif()
if(valid_stmt STREQUAL computed_stmt)
  message(FATAL_ERROR "a valid record changes nothing")
endif()

# Refused with one line, and the same code as without.
function(expect_refused name expected)
  emit(${name} "tuned=${DIR}/${name}.record.json")
  if(NOT ${name}_error MATCHES "^[^\n]*${name}.record.json: ${expected}[^\n]*: not used. tune again\n$")
    message(FATAL_ERROR "${name}: standard error '${${name}_error}'")
  endif()
  if(NOT ${name}_stmt STREQUAL computed_stmt OR NOT ${name}_json STREQUAL computed_json)
    message(FATAL_ERROR "${name}: the pipeline is not as without a record")
  endif()
endfunction()
write_record(version 2 "${family}" "${space}" "${tile}")
expect_refused(version "of version 2, not 3")
write_record(family 3 columns "${space}" "${tile}")
expect_refused(family "grad_b8 ${node}: the family \"columns\" is none of ")
write_record(shape 3 "${family}" "[1000, 2, \"dense\"]" "${tile}")
expect_refused(shape "grad_b8 ${node}: recorded for 1000 x 2, now ")
string(REGEX REPLACE "\"[^\"]*\"" "\"conv2d\"" other "${space}")  # the extents are the same
write_record(computation 3 "${family}" "${other}" "${tile}")
expect_refused(computation "grad_b8 ${node}: recorded for conv2d, now [a-z0-9_]+ ")
write_record(tile 3 "${family}" "${space}" "[0, 1]")
expect_refused(tile "grad_b8 ${node}: the tile 0 x 1 is none of ")
set(node gone)
write_record(layer 3 "${family}" "${space}" "${tile}")
expect_refused(layer "grad_b8 gone: there is no such node")
file(WRITE "${DIR}/broken.record.json" "{")
expect_refused(broken "not a record of schedules")

# Of a pipeline with a budget too: with the features of fc2 as lanes, a block of 16 takes over 4000 bytes instead of 2432,
# and then only a smaller block, of which nothing is recorded, is within 3000.
file(WRITE "${DIR}/features.record.json" "{\"kiln_schedules\": 3, \"pipelines\": "
     "{\"infer_b16\": {\"fc2\": {\"family\": \"features\", \"space\": [1, 1, \"dense 16 per sample, 1x16, 1 : 1 per sample\"], \"tile\": [1, 1]}}}}")
foreach(budget_and_block IN ITEMS 8000:16:tuned 3000:8:fast)
  string(REGEX MATCH "(.*):(.*):(.*)" matched ${budget_and_block})
  execute_process(
    COMMAND "${GENERATOR}" -g kiln -f tuned -n tuned -o "${DIR}" -e stmt kind=infer block=16 schedule=fast
      target=x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41
      options=hidden:16 "record=${DIR}/tuned.json" "tuned=${DIR}/features.record.json" budget=${CMAKE_MATCH_1}
      emitted=infer:16:
    RESULT_VARIABLE code ERROR_VARIABLE error)
  file(READ "${DIR}/tuned.json" json)
  string(JSON block GET "${json}" block)
  string(JSON schedule GET "${json}" schedule)
  if(NOT code EQUAL 0 OR NOT "${block}:${schedule}" STREQUAL "${CMAKE_MATCH_2}:${CMAKE_MATCH_3}")
    message(FATAL_ERROR "budget ${CMAKE_MATCH_1}: exit code ${code}, block ${block}, schedule ${schedule}: ${error}")
  endif()
endforeach()
