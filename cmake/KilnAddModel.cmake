# kiln_add_model(NAME lenet5 SOURCES lenet5.cc BLOCKS 1 8 64
#                [FUSE sgd momentum]      optimizers that get a fused step pipeline (default: none)
#                [SCHEDULE fast|naive|Mullapudi2016|Adams2019]   default: fast; the last two are Halide's autoschedulers, for
#                                         one thread, whose pipelines take memory from the heap
#                [SCHEDULES dir]          where scripts/tune has left <name>.<target>.json, the tiles that it has measured to be
#                                         best (default: schedules in the calling project's root); used when there
#                [BUDGET 64KB]            workspace and stack that a call of any pipeline may take, in KB (1,024 bytes) or MB
#                                         (1,048,576): the backward pass computes values again instead of keeping them,
#                                         a pipeline takes smaller blocks than BLOCKS says, or the build fails and names
#                                         the smallest budget that works (gradcheck's and explain's pipelines are exempt)
#                [OPTIONS activation=relu hidden=8]   what the model file asks for by m.Option("activation", "tanh")
#                [DEFINES X=1 ...]        preprocessor definitions for SOURCES
#                [NO_BINARY]              the library alone, no bin/lenet5
#                [PROFILE]                one pipeline more, whose stages are timed: what the verb profile needs
#                [COUNT_ONLY])            no pipelines and no BLOCKS: the binary has the verbs summary and graph alone, which
#                                         count a model of any size without allocating it
#
# The only rule a model needs. From a model file in Kiln's DSL it makes
#   lenet5.generator         the host executable that emits the model's pipelines; models of the same SOURCES and
#                            DEFINES, which differ in OPTIONS, share that of the first
#   <dir>/lenet5/            the emitted objects, headers, loop nests (.stmt), lenet5.manifest.json and lenet5.h
#   kiln::lenet5             a static library: all pipelines, the manifest, the runtime; #include "lenet5.h"
#   bin/lenet5               its command line (target lenet5.binary)
# where <dir> is the calling directory's binary directory. A changed model file rebuilds that model alone.

function(kiln_add_model)
  set(optimizers sgd momentum)
  set(schedules fast naive Mullapudi2016 Adams2019)
  cmake_parse_arguments(PARSE_ARGV 0 MODEL "NO_BINARY;COUNT_ONLY;PROFILE" "NAME;SCHEDULE;SCHEDULES;BUDGET" "SOURCES;BLOCKS;FUSE;OPTIONS;DEFINES")
  set(where "kiln_add_model(NAME ${MODEL_NAME}):")
  if(NOT MODEL_NAME)
    message(FATAL_ERROR "kiln_add_model: NAME is missing")
  endif()
  if(MODEL_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${where} unknown argument(s): ${MODEL_UNPARSED_ARGUMENTS}")
  endif()
  if(MODEL_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${where} no value given for ${MODEL_KEYWORDS_MISSING_VALUES}")
  endif()
  if(NOT MODEL_NAME MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "${where} the name becomes a C++ identifier and must match [a-z][a-z0-9_]*")
  endif()
  if(TARGET ${MODEL_NAME})
    message(FATAL_ERROR "${where} there is a target of that name already")
  endif()
  set(required_keywords SOURCES BLOCKS)
  if(MODEL_COUNT_ONLY)
    set(required_keywords SOURCES)
    if(MODEL_PROFILE)
      message(FATAL_ERROR "${where} COUNT_ONLY emits nothing and takes no PROFILE")
    endif()
    foreach(keyword IN ITEMS BLOCKS FUSE SCHEDULE SCHEDULES BUDGET)
      if(DEFINED MODEL_${keyword})
        message(FATAL_ERROR "${where} COUNT_ONLY emits nothing and takes no ${keyword}")
      endif()
    endforeach()
  endif()
  foreach(required IN LISTS required_keywords)
    if(NOT DEFINED MODEL_${required})
      message(FATAL_ERROR "${where} ${required} is missing")
    endif()
  endforeach()
  foreach(block IN LISTS MODEL_BLOCKS)
    if(NOT block MATCHES "^[1-9][0-9]*$")
      message(FATAL_ERROR "${where} BLOCKS must be whole numbers of at least 1, not '${block}'")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES MODEL_BLOCKS)
  list(SORT MODEL_BLOCKS COMPARE NATURAL)
  foreach(optimizer IN LISTS MODEL_FUSE)
    if(NOT optimizer IN_LIST optimizers)
      message(FATAL_ERROR "${where} FUSE must be among '${optimizers}', not '${optimizer}'")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES MODEL_FUSE)
  foreach(option IN LISTS MODEL_OPTIONS)
    if(NOT option MATCHES "^[a-z][a-z0-9_]*=[A-Za-z0-9_.+-]+$")
      message(FATAL_ERROR "${where} OPTIONS must be name=value, of letters, digits and '_.+-', not '${option}'")
    endif()
  endforeach()
  if(DEFINED MODEL_BUDGET AND NOT MODEL_BUDGET MATCHES "^([1-9][0-9]*)(KB|MB)$")
    message(FATAL_ERROR "${where} BUDGET must be a whole number of KB or MB, such as 64KB, not '${MODEL_BUDGET}'")
  endif()
  if(NOT MODEL_SCHEDULE)
    set(MODEL_SCHEDULE fast)
  elseif(NOT MODEL_SCHEDULE IN_LIST schedules)
    message(FATAL_ERROR "${where} SCHEDULE must be among '${schedules}', not '${MODEL_SCHEDULE}'")
  endif()
  if(MODEL_PROFILE AND (DEFINED MODEL_BUDGET OR NOT MODEL_SCHEDULE MATCHES "^(fast|naive)$"))
    message(FATAL_ERROR "${where} PROFILE goes with neither a BUDGET nor an autoscheduler's SCHEDULE")
  endif()

  list(TRANSFORM MODEL_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  foreach(source IN LISTS MODEL_SOURCES)
    if(NOT EXISTS "${source}")
      message(FATAL_ERROR "${where} there is no file ${source}")
    endif()
  endforeach()
  if(NOT MODEL_SCHEDULES)
    set(MODEL_SCHEDULES "${PROJECT_SOURCE_DIR}/schedules")
  endif()
  cmake_path(ABSOLUTE_PATH MODEL_SCHEDULES NORMALIZE)
  set(MODEL_PROJECT_DIR "${PROJECT_SOURCE_DIR}")  # of the caller, which need not be Kiln itself
  # A directory of its own, since add_halide_library writes into the current one.
  add_subdirectory("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/model" "${CMAKE_CURRENT_BINARY_DIR}/${MODEL_NAME}")
endfunction()
