#ifndef KILN_RUNTIME_COLUMN_BINDING_H_
#define KILN_RUNTIME_COLUMN_BINDING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// The columns that a model reads, in the order of its manifest.
struct DataSpec {
  std::vector<ColumnSpec> inputs;
  std::vector<ColumnSpec> targets;
};

// Makes the columns of `data` the model's: bound by position, checked, renamed.
//
// - Shapes agree when they differ in dimensions of 1 alone, or when the model's
//   is flat and has as many elements ({784} reads {1, 28, 28}).
// - Labels must lie within the model's classes; the model may have more.
// - Where a model wants one value a sample and the data have labels of two
//   classes, these become the values 0 and 1. Where it wants labels and the
//   data have one value a sample, the values must be the classes' numbers.
// - Otherwise storage types must be the same.
//
// The first disagreement is returned, as one line that begins with the column's
// origin, or with `source` where a column is missing.
absl::Status BindColumns(const std::string& source, const DataSpec& model,
                         Dataset& data);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_COLUMN_BINDING_H_
