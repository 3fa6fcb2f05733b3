# cmake -DGENERATOR=... -DPLUGIN=... -DOUT=... -P failed_autoscheduler.cmake: what is emitted when an autoscheduler refuses.
set(record "${OUT}/failed.json")
file(REMOVE "${record}")
execute_process(
  COMMAND "${GENERATOR}" -g kiln -f failed -o "${OUT}" -e stmt -p "${PLUGIN}" target=host kind=infer block=8
    autoscheduler=Adams2019 autoscheduler.parallelism=several schedule=Adams2019 "record=${record}"
  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "exit code ${code}: ${output}${error}")
endif()
file(READ "${record}" text)
string(JSON schedule GET "${text}" schedule)
string(JSON failure GET "${text}" failure)
if(NOT schedule STREQUAL "Adams2019" OR NOT failure MATCHES "Unable to parse: several")
  message(FATAL_ERROR "schedule '${schedule}', failure '${failure}'")
endif()
