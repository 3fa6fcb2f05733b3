# cmake -DGENERATOR=... -DDIR=... -P tuned.cmake: what a record of tiles changes in an emission, and what the build says of
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

# A record of one node's tile, in the file <name>.record.json.
function(write_record name version space tile)
  file(WRITE "${DIR}/${name}.record.json" "{\"kiln_schedules\": ${version}, \"pipelines\": "
       "{\"grad_b8\": {\"${node}\": {\"space\": ${space}, \"tile\": ${tile}}}}}")
endfunction()

file(REMOVE_RECURSE "${DIR}")
emit(computed profile=true)
string(JSON node GET "${computed_json}" tiles 0 node)
string(JSON space GET "${computed_json}" tiles 0 space)
string(JSON tile GET "${computed_json}" tiles 0 candidates 1)
emit(computed)

write_record(valid 1 "${space}" "${tile}")
emit(valid "tuned=${DIR}/valid.record.json")
string(JSON schedule GET "${valid_json}" schedule)
string(JSON chosen GET "${valid_json}" tiles 0 tile)
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
write_record(version 7 "${space}" "${tile}")
expect_refused(version "of version 7, not 1")
write_record(shape 1 "[1000, 2]" "${tile}")
expect_refused(shape "grad_b8 ${node}: recorded for 1000 x 2, now ")
write_record(tile 1 "${space}" "[0, 1]")
expect_refused(tile "grad_b8 ${node}: the tile 0 x 1 is none of ")
set(node gone)
write_record(layer 1 "${space}" "${tile}")
expect_refused(layer "grad_b8 gone: there is no such node")
file(WRITE "${DIR}/broken.record.json" "{")
expect_refused(broken "not a record of schedules")
