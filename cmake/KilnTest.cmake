# What nearly every test includes, parsed once instead of once a source; with Halide.h for tests of generated code.
function(kiln_add_test_headers name)
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc" CONTENT "")
  add_library(${name} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc")
  target_link_libraries(${name} PRIVATE GTest::gmock absl::statusor absl::strings absl::str_format absl::span ${ARGN})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)  # as in kiln_add_test
  kiln_precompile_headers(${name} <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# kiln_add_test(NAME conv2d_test SOURCES conv2d_test.cc [LIBRARIES kiln::dsl ...] [TIMEOUT seconds] [LABELS ...]
#               [PROCESSES 4|EACH])
#
# A GoogleTest executable (with gtest's main) whose tests are registered with ctest one by one. They run in the
# repository root, so that a golden file is opened as "tests/dsl/golden/x.txt" and reported by that name.
#
# With Halide's compiler they are registered together, as Conv2dTest, or dealt to so many PROCESSES, Conv2dTest.1of4 and so
# on: in each process Halide compiles its runtime first, which takes longer than many a test. ctest begins with these. EACH
# still has a process for each, so that ctest can say that one was skipped.
function(kiln_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "NAME;TIMEOUT;PROCESSES" "SOURCES;LIBRARIES;LABELS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "kiln_add_test(NAME ${ARG_NAME}): unknown argument(s): ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_NAME OR NOT ARG_SOURCES)
    message(FATAL_ERROR "kiln_add_test(NAME ${ARG_NAME}): NAME and SOURCES are required")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()

  add_executable(${ARG_NAME} ${ARG_SOURCES})
  # gtest_main first: kiln's libraries may hold another main.
  target_link_libraries(${ARG_NAME} PRIVATE GTest::gtest_main GTest::gmock ${ARG_LIBRARIES})
  # GoogleTest's macros take longer to optimise than the tests to run; libraries they call are optimised.
  target_compile_options(${ARG_NAME} PRIVATE $<$<CONFIG:Release>:-O0>)
  target_include_directories(${ARG_NAME} PRIVATE "${PROJECT_SOURCE_DIR}")
  set(compilers "emitted_testing|kiln_generators|kiln_random_graphs")
  if(ARG_LIBRARIES MATCHES "${compilers}")
    kiln_precompile_headers(${ARG_NAME} REUSE_FROM kiln_halide_test_headers)
  else()
    kiln_precompile_headers(${ARG_NAME} REUSE_FROM kiln_test_headers)
  endif()
  if(ARG_LIBRARIES MATCHES "${compilers}" AND NOT ARG_PROCESSES STREQUAL "EACH")
    kiln_add_processes("${ARG_PROCESSES}")
    return()
  endif()
  gtest_discover_tests(${ARG_NAME}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# The tests of kiln_add_test's executable, whose arguments are in scope, dealt to `count` processes (default: one).
function(kiln_add_processes count)
  string(REPLACE "_" ";" words "${ARG_NAME}")
  set(name "")
  foreach(word IN LISTS words)
    string(SUBSTRING "${word}" 0 1 first)
    string(SUBSTRING "${word}" 1 -1 rest)
    string(TOUPPER "${first}" first)
    string(APPEND name "${first}${rest}")
  endforeach()
  if(NOT count)
    set(count 1)
  endif()
  foreach(process RANGE 1 ${count})
    set(test ${name})
    if(count GREATER 1)
      string(APPEND test ".${process}of${count}")
    endif()
    math(EXPR index "${process} - 1")
    math(EXPR timeout "3 * ${ARG_TIMEOUT}")  # for several tests
    if(KILN_SANITIZE)
      math(EXPR timeout "3 * ${timeout}")
    endif()
    add_test(NAME ${test} COMMAND ${ARG_NAME} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${test} PROPERTIES TIMEOUT ${timeout} LABELS "${ARG_LABELS}" COST 10
      FAIL_REGULAR_EXPRESSION "Running 0 tests"
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${count};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
