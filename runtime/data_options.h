#ifndef KILN_RUNTIME_DATA_OPTIONS_H_
#define KILN_RUNTIME_DATA_OPTIONS_H_

#include <cstdint>
#include <string>

namespace kiln {
inline namespace runtime {

// Which data a model is given, and how they are read: what the data flags of
// the verbs say. docs/data.md has it in full.
struct DataOptions {
  // --data: the name of a generated set, a CSV file or a directory.
  std::string source{};
  // --data_seed: of a generated set, and of the samples that `validation`
  // takes.
  uint64_t seed = 1;
  // --validation: the share of the training samples, in [0, 1), that is held
  // back from training and takes the place of the test part. 0: none.
  double validation = 0;
  // --x_columns, --y_columns: a CSV file's columns for the inputs and the
  // targets, by name, with commas between. Empty: all that the other does not
  // name; both empty: the targets are the last.
  std::string x_columns{}, y_columns{};
  // --invert: pictures are dark on light; the model wants light on dark.
  bool invert = false;
  // --dump_data: where the data are written as CSV, as the model reads them.
  // Empty: nowhere.
  std::string dump{};
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DATA_OPTIONS_H_
