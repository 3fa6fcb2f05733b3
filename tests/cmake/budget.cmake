# cmake -DGENERATOR=... -DWHY=... [-DMESSAGE_ONLY=1] -P budget.cmake: a budget that a model cannot meet stops the build with one line, and the
# budget which that line names is the smallest that works, for all pipelines of the model.
set(pipelines infer:8: grad:8:)
list(JOIN pipelines "," emitted)

# Emits the pipeline within so many KB.
function(emit pipeline kilobytes)
  string(REPLACE ":" ";" pipeline "${pipeline}")
  list(GET pipeline 0 kind)
  list(GET pipeline 1 block)
  list(GET pipeline 2 optimizer)
  if(optimizer)
    set(optimizer "optimizer=${optimizer}")
  endif()
  math(EXPR bytes "${kilobytes} * 1024")
  execute_process(
    COMMAND "${GENERATOR}" -g kiln -f ${kind} -o . -e stmt target=host-no_runtime kind=${kind} block=${block}
      schedule=fast ${optimizer} budget=${bytes} emitted=${emitted}
    RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE error)
  set(code "${code}" PARENT_SCOPE)
  set(said "${output}${error}" PARENT_SCOPE)
endfunction()

emit(grad:8: 1)
if(NOT code EQUAL 1 OR NOT said MATCHES
   "^grad: cannot be made to fit BUDGET 1KB, whatever is computed again ${WHY}; the smallest BUDGET that this model's pipelines fit is ([0-9]+)KB\n$")
  message(FATAL_ERROR "exit code ${code}: '${said}'")
endif()
set(smallest ${CMAKE_MATCH_1})
if(MESSAGE_ONLY)
  return()
endif()
foreach(pipeline IN LISTS pipelines)
  emit(${pipeline} ${smallest})
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${pipeline} does not fit ${smallest}KB: '${said}'")
  endif()
endforeach()
math(EXPR less "${smallest} - 1")
set(failed 0)
foreach(pipeline IN LISTS pipelines)
  emit(${pipeline} ${less})
  if(NOT code EQUAL 0)
    set(failed 1)
  endif()
endforeach()
if(NOT failed)
  message(FATAL_ERROR "all fit ${less}KB, although ${smallest}KB was said to be the smallest")
endif()
