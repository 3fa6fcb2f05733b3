#ifndef KILN_RUNTIME_DATA_SOURCES_H_
#define KILN_RUNTIME_DATA_SOURCES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "runtime/data_options.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// The columns that a model reads, in the order of its manifest.
struct DataSpec {
  std::vector<ColumnSpec> inputs;
  std::vector<ColumnSpec> targets;
};

// Loads the data set that `options.source` names and makes it the model's:
//   digits      drawn digits (runtime/digits.h), seeded by `options.seed`
//   xor         the four rows of exclusive or
//   xor_cloud   noisy points around them, seeded by `options.seed`
//   otherwise   a directory with MNIST's four IDX files; a directory named like
//               a generated set is reached as ./digits
// Columns are bound by position and take the model's names and shapes. A shape
// agrees when it differs in dimensions of 1 alone, or when the model's is flat
// and has as many elements ({784} reads {1, 28, 28}). Labels must lie within
// the model's classes; the model may have more classes than the data.
// Every error is one line that names the source, what disagrees and what to do.
absl::StatusOr<DataPair> LoadData(const DataOptions& options,
                                  const DataSpec& model);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DATA_SOURCES_H_
