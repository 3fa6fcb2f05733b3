#ifndef KILN_RUNTIME_IDX_READER_H_
#define KILN_RUNTIME_IDX_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/aligned.h"

namespace kiln {
inline namespace runtime {

// The content of one IDX file of unsigned bytes, row-major, as MNIST has it
// (http://yann.lecun.com/exdb/mnist): two zero bytes, the element type (8 for
// unsigned byte), the number of dimensions, each dimension as a big-endian
// 32-bit number, then the elements.
struct IdxArray {
  std::vector<int64_t> shape;
  AlignedVector<uint8_t> values;
};

// Reads `path`, plain or compressed by gzip. Every error is one line that names
// the file: missing, wrong magic, other element types, zero or absurd
// dimensions, fewer or more bytes than the dimensions say, a damaged gzip
// stream. Memory grows with the bytes that are really there, never with what
// the header claims, and at most 2^31 - 1 elements are read (what one Halide
// buffer may hold).
absl::StatusOr<IdxArray> ReadIdxFile(const std::string& path);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_IDX_READER_H_
