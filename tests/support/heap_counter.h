// Counts the heap calls of a piece of code: malloc and its kin (and so new),
// and Halide's own allocator.

#ifndef KILN_TESTS_SUPPORT_HEAP_COUNTER_H_
#define KILN_TESTS_SUPPORT_HEAP_COUNTER_H_

#include <cstdint>

namespace kiln {

// Calls by any thread since the program started. Linking this file's source
// replaces malloc in the whole program.
int64_t HeapCalls();

// Counts halide_malloc of emitted pipelines into HeapCalls from now on.
void CountHalideMalloc();

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_HEAP_COUNTER_H_
