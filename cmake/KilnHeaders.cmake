# The library headers that most of Kiln includes: they take longer to parse than Kiln's own files to compile, so they are
# precompiled, once for all targets that are compiled in the same way.
set(KILN_HEADERS
  <algorithm> <map> <memory> <optional> <set> <string> <vector>
  <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_format.h> <absl/strings/str_join.h> <absl/types/span.h>)

# kiln_precompile_headers(target [more headers...]), kiln_precompile_headers(target REUSE_FROM another)
function(kiln_precompile_headers target)
  if(ARGV1 STREQUAL REUSE_FROM)
    target_precompile_headers(${target} ${ARGN})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN} ${KILN_HEADERS})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Precompiled, a header no longer counts as the system's, and g++ 12 sees ghosts where it adds strings.
    target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-array-bounds)
  endif()
endfunction()
