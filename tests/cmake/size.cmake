# cmake -DBINARY=bin/lenet5 -DSTRIP=strip -DDIR=dir -DLIMIT=bytes -P size.cmake: the stripped binary is below the limit.
file(MAKE_DIRECTORY "${DIR}")
get_filename_component(name "${BINARY}" NAME)
execute_process(COMMAND "${STRIP}" -o "${DIR}/${name}" "${BINARY}" COMMAND_ERROR_IS_FATAL ANY)
file(SIZE "${DIR}/${name}" bytes)
message(STATUS "${name}, stripped: ${bytes} bytes")
if(bytes GREATER_EQUAL LIMIT)
  message(FATAL_ERROR "${name}, stripped, takes ${bytes} bytes, not below ${LIMIT}")
endif()
