#ifndef KILN_RUNTIME_DATA_SOURCES_H_
#define KILN_RUNTIME_DATA_SOURCES_H_

#include "absl/status/statusor.h"
#include "runtime/column_binding.h"
#include "runtime/data_options.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Loads the data set that `options.source` names and makes it the model's:
//   digits, xor, ..  a generated set (runtime/generated_sets.h), by its name
//   a file           CSV (runtime/csv_data.h)
//   a directory      MNIST's four IDX files (runtime/mnist_directory.h), or
//                    pictures in one folder a class (runtime/png_directory.h)
// A file or directory named like a generated set is reached as ./digits.
// Columns are bound to the model's as column_binding.h says; then
// `options.validation` holds samples back (runtime/validation.h). A test part
// without samples is one that the source does not have.
// Every error is one line that names the source, what is wrong and what to do.
absl::StatusOr<DataPair> LoadData(const DataOptions& options,
                                  const DataSpec& model);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DATA_SOURCES_H_
