# kiln_target_name(<variable>): the name of KILN_TARGET in file names (generators/target_name.h), "x86-64-linux-avx2".
# Halide knows what the host is, so a small program asks it: some seconds, once a build directory and KILN_TARGET. Empty, with
# a warning, where it cannot say.
function(kiln_target_name variable)
  cmake_path(GET CMAKE_CURRENT_FUNCTION_LIST_DIR PARENT_PATH kiln)
  file(SHA1 "${kiln}/generators/target_name.cc" rule)
  if(NOT KILN_NAMED_TARGET STREQUAL "${KILN_TARGET} ${rule}" OR NOT KILN_TARGET_NAME)
    try_run(code compiled
      SOURCES "${kiln}/cmake/target_name_main.cc" "${kiln}/generators/target_name.cc"
      CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${kiln}"
      LINK_LIBRARIES Halide::Halide
      CXX_STANDARD 17
      RUN_OUTPUT_STDOUT_VARIABLE name
      COMPILE_OUTPUT_VARIABLE log
      ARGS "${KILN_TARGET}")
    if(NOT compiled OR NOT code EQUAL 0)
      message(WARNING "KILN_TARGET=${KILN_TARGET}: Halide does not say what target that is, so no tuned tiles are used\n${log}")
      set(${variable} "" PARENT_SCOPE)
      return()
    endif()
    set(KILN_NAMED_TARGET "${KILN_TARGET} ${rule}" CACHE INTERNAL "")
    set(KILN_TARGET_NAME "${name}" CACHE INTERNAL "")
  endif()
  set(${variable} "${KILN_TARGET_NAME}" PARENT_SCOPE)
endfunction()
