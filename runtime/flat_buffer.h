// A run of an arena as the update pipelines (kiln_update_*) take it.

#ifndef KILN_RUNTIME_FLAT_BUFFER_H_
#define KILN_RUNTIME_FLAT_BUFFER_H_

#include <HalideRuntime.h>

#include <cstdint>

namespace kiln {
inline namespace runtime {

// Updates and sums go over arenas in pieces of this many floats: what one
// thread works on while it is in its cache, and the same whatever the threads.
// 16 KiB of each arena; those of a step with two slots and momentum fill 64
// KiB, and the work is many times a call's 0.1 us. A multiple of every vector.
inline constexpr int64_t kPieceFloats = 4096;

// `size` floats. `dimension` is the buffer's storage.
inline halide_buffer_t FlatBuffer(float* data, int64_t size,
                                  halide_dimension_t& dimension) {
  dimension = halide_dimension_t(0, static_cast<int32_t>(size), 1);
  halide_buffer_t buffer{};
  buffer.host = reinterpret_cast<uint8_t*>(data);
  buffer.type = halide_type_t(halide_type_float, 32);
  buffer.dimensions = 1;
  buffer.dim = &dimension;
  return buffer;
}

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_FLAT_BUFFER_H_
