#ifndef KILN_RUNTIME_PNG_DIRECTORY_H_
#define KILN_RUNTIME_PNG_DIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/column_binding.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Whether `directory` holds a directory, as one of pictures by class does.
// Names that begin with a dot do not count.
bool HasClassFolders(const std::string& directory);

// Reads pictures in one folder a class: directory/<class>/<any name>.png, or,
// with a test part, directory/train/<class>/.. and directory/test/<class>/..
// Classes are numbered from 0 in the order of their names' bytes, samples are
// in the order of class and file name. Files that begin with a dot are skipped.
//
// Each picture is read as ReadPng says and scaled by AreaAverage to the size of
// the model's one input, a picture of one channel ({1, height, width}, or flat
// with a square number of elements): as bytes 0..255, or as floats 0..1,
// whichever the model stores. The target "label" is the class.
//
// Errors, one line each: as ReadPng; a model without such an input and a single
// target; no class folders, one without pictures, more of them than the model
// has classes, one for testing that has none for training; a file that is no
// .png where a picture should be.
absl::StatusOr<DataPair> ReadPngDirectory(const std::string& directory,
                                          bool invert, const DataSpec& model);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PNG_DIRECTORY_H_
