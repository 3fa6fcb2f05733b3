#ifndef KILN_RUNTIME_IDX_READER_H_
#define KILN_RUNTIME_IDX_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/aligned.h"
#include "runtime/dataset.h"

namespace kiln {

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

// Reads MNIST's four files {train,t10k}-{images-idx3,labels-idx1}-ubyte from
// `directory`, each also found as `...-images.idx3-ubyte` and with `.gz`. Gives
// one input "image" of shape {1, height, width}, uint8, and one target "label";
// its class count is the greatest label of both parts plus one.
// Errors: as ReadIdxFile; a file not there under any of its names; images and
// labels that disagree in number; training and test images of unlike size.
absl::StatusOr<DataPair> ReadIdxDirectory(const std::string& directory);

}  // namespace kiln

#endif  // KILN_RUNTIME_IDX_READER_H_
