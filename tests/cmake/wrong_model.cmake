# cmake -DGENERATOR=... -DEXPECTED=... [-DOPTIONS=options=...] -P wrong_model.cmake: what the build prints and returns when a model is wrong.
execute_process(
  COMMAND "${GENERATOR}" -g kiln -f wrong -o . -e stmt target=host kind=infer block=8 schedule=fast ${OPTIONS}
  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE error)
string(REPLACE "<semicolon>" ";" expected "${EXPECTED}\n")
if(NOT code EQUAL 1 OR NOT error STREQUAL expected OR NOT output STREQUAL "")
  message(FATAL_ERROR "exit code ${code}, standard output '${output}', standard error '${error}'")
endif()
