#ifndef KILN_RUNTIME_MNIST_DIRECTORY_H_
#define KILN_RUNTIME_MNIST_DIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Whether `directory` has one of MNIST's four files, under any of its names.
bool HasMnistFiles(const std::string& directory);

// Reads MNIST's four files {train,t10k}-{images-idx3,labels-idx1}-ubyte from
// `directory`, each also found as `...-images.idx3-ubyte` and with `.gz`. Gives
// one input "image" of shape {1, height, width}, uint8, and one target "label";
// its class count is the greatest label of both parts plus one.
// Errors: as ReadIdxFile; a file not there under any of its names; images and
// labels that disagree in number; training and test images of unlike size.
absl::StatusOr<DataPair> ReadMnistDirectory(const std::string& directory);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_MNIST_DIRECTORY_H_
