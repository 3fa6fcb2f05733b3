#ifndef KILN_RUNTIME_CSV_COLUMNS_H_
#define KILN_RUNTIME_CSV_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/column_binding.h"
#include "runtime/data_options.h"

namespace kiln {
inline namespace runtime {

// Which fields of a record are what.
struct CsvColumns {
  std::vector<std::string> names;  // of all fields
  // The fields that the model's inputs and targets take their elements from,
  // one after the other.
  std::vector<int> x, y;
  int part = -1;  // the field "part"; -1: none
};

// How many fields the model wants for its inputs or targets.
int64_t CountElements(const std::vector<ColumnSpec>& columns);

// Deals the fields named `names` out to the model, as ReadCsvData has it.
// `path`, for messages, is the file whose first line they are.
absl::StatusOr<CsvColumns> ChooseColumns(const std::string& path,
                                         std::vector<std::string> names,
                                         const DataOptions& options,
                                         const DataSpec& model);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_CSV_COLUMNS_H_
