// Data sets in CSV files: what a spreadsheet or a data frame writes, and what
// --dump_data does. docs/data.md has the format.

#ifndef KILN_RUNTIME_CSV_DATA_H_
#define KILN_RUNTIME_CSV_DATA_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/column_binding.h"
#include "runtime/data_options.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Reads the CSV file `options.source` for the model: the first record names the
// columns; of the others each is a sample. The model's inputs take their
// elements from the columns that `options.x_columns` names, in that order, its
// targets from `options.y_columns`; where neither names any, inputs come first.
// A column "part", unless it is chosen, says of each row whether it is "train"
// or "test"; without one all rows are for training, and the test part has no
// samples.
//
// Numbers are decimal, without regard to the locale, rounded to the nearest
// float32; blanks around them are ignored. uint8 inputs are integers 0..255,
// labels integers within the model's classes.
//
// Errors are one line, "file:line: ..", and name the column where there is one:
// what CsvReader refuses, no header, names that are twice there, unknown, or
// too few or too many for the model, a record with more or fewer fields than
// the header, no number, a number that is not finite or out of range, no rows.
absl::StatusOr<DataPair> ReadCsvData(const DataOptions& options,
                                     const DataSpec& model);

// Writes both parts as CSV, which ReadCsvData reads back to the same bits: a
// column per element, "x", or "x[0]", "x[1]", .. where a sample has several,
// then "part". Floats have as many digits as tell them from their neighbours.
// The file appears whole or not at all. InvalidArgument for a number that is
// not finite, otherwise as WriteFileAtomically.
absl::Status WriteCsvData(const std::string& path, const DataPair& data);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_CSV_DATA_H_
