#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/atomic_file.h"
#include "runtime/csv_data.h"

namespace kiln {
inline namespace runtime {
namespace {

// A name in quotes where it needs them.
std::string NameField(const std::string& name) {
  if (name.find_first_of(",\"\r\n") == std::string::npos) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

void AppendHeader(const Column& column, std::string& text) {
  const int64_t elements = column.spec.elements();
  for (int64_t i = 0; i < elements; ++i) {
    const std::string name = elements == 1
                                 ? column.spec.name
                                 : absl::StrCat(column.spec.name, "[", i, "]");
    absl::StrAppend(&text, NameField(name), ",");
  }
}

// Element `i` of the column; false where it is a float that is not finite.
bool AppendElement(const Column& column, int64_t i, std::string& text) {
  switch (column.spec.storage) {
    case Storage::kUint8:
      absl::StrAppend(&text, static_cast<int>(column.bytes[i]), ",");
      return true;
    case Storage::kInt32:
      absl::StrAppend(&text, column.labels()[i], ",");
      return true;
    case Storage::kFloat32: {
      const float value = column.floats()[i];
      char digits[32];  // the longest is -1.17549435e-38
      const auto end = std::to_chars(digits, digits + sizeof digits, value);
      text.append(digits, end.ptr);
      text += ',';
      return std::isfinite(value);
    }
  }
  return false;
}

absl::Status AppendRows(const char* part, const Dataset& data,
                        std::string& text) {
  for (int64_t sample = 0; sample < data.samples; ++sample) {
    for (const std::vector<Column>* columns : {&data.inputs, &data.targets}) {
      for (const Column& column : *columns) {
        const int64_t elements = column.spec.elements();
        for (int64_t i = 0; i < elements; ++i) {
          if (AppendElement(column, sample * elements + i, text)) continue;
          return absl::InvalidArgumentError(
              absl::StrCat(column.spec.name, " of ", part, " sample ", sample,
                           " is not finite, which CSV data must be"));
        }
      }
    }
    absl::StrAppend(&text, part, "\n");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteCsvData(const std::string& path, const DataPair& data) {
  std::string text;
  for (const Column& input : data.train.inputs) AppendHeader(input, text);
  for (const Column& target : data.train.targets) AppendHeader(target, text);
  text += "part\n";
  absl::Status status = AppendRows("train", data.train, text);
  if (status.ok()) status = AppendRows("test", data.test, text);
  if (!status.ok()) return status;
  return WriteFileAtomically(path, {text});
}

}  // namespace runtime
}  // namespace kiln
