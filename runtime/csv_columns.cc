#include "runtime/csv_columns.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "runtime/quoting.h"

namespace kiln {
inline namespace runtime {
namespace {

template <typename... Parts>
absl::Status Bad(const std::string& path, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(path, ":1: ", parts...));
}

absl::Status CheckNames(const std::string& path,
                        const std::vector<std::string>& names) {
  std::set<absl::string_view> seen;
  bool all_numbers = true;
  for (const std::string& name : names) {
    if (name.empty()) {
      return Bad(path, "column ", seen.size() + 1, " has no name");
    }
    if (!seen.insert(name).second) {
      return Bad(path, "two columns are named ", Quoted(name));
    }
    double ignored;
    all_numbers = all_numbers && absl::SimpleAtod(name, &ignored);
  }
  if (all_numbers) {
    return Bad(path,
               "numbers where the columns' names should be; write a "
               "first line with names");
  }
  return absl::OkStatus();
}

// Appends to `fields` those that a flag's value names, in its order.
absl::Status Find(const std::string& path,
                  const std::vector<std::string>& names, absl::string_view flag,
                  absl::string_view value, std::vector<int>& fields) {
  for (absl::string_view wanted : absl::StrSplit(value, ',')) {
    wanted = absl::StripAsciiWhitespace(wanted);
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
      const size_t shown = std::min<size_t>(names.size(), 8);
      const bool all = shown == names.size();
      return Bad(path, "no column ", Quoted(wanted), ", which --", flag,
                 " names; there are ",
                 absl::StrJoin(names.begin(), names.begin() + shown, ", ",
                               [](std::string* out, const std::string& name) {
                                 *out += Quoted(name);
                               }),
                 all ? "" : ", ..");
    }
    const int field = static_cast<int>(found - names.begin());
    if (std::count(fields.begin(), fields.end(), field) > 0) {
      return Bad(path, "--", flag, " names ", Quoted(wanted), " twice");
    }
    fields.push_back(field);
  }
  return absl::OkStatus();
}

// Finds the fields that are neither chosen for x nor for y, and among them
// "part".
absl::Status FindRest(const std::string& path, CsvColumns& columns,
                      std::vector<int>& rest) {
  enum : char { kFree, kX, kY };
  std::vector<char> use(columns.names.size(), kFree);
  for (const int field : columns.x) use[field] = kX;
  for (const int field : columns.y) {
    if (use[field] == kX) {
      return Bad(path, "--x_columns and --y_columns both name ",
                 Quoted(columns.names[field]));
    }
    use[field] = kY;
  }
  for (size_t i = 0; i < use.size(); ++i) {
    if (use[i] != kFree) continue;
    if (columns.names[i] == "part") {
      columns.part = static_cast<int>(i);
    } else {
      rest.push_back(static_cast<int>(i));
    }
  }
  return absl::OkStatus();
}

int64_t CountElements(const std::vector<ColumnSpec>& columns) {
  int64_t count = 0;
  for (const ColumnSpec& column : columns) count += column.elements();
  return count;
}

// "x 2, y 1": what the model reads and how many columns that takes.
std::string Wants(const std::vector<ColumnSpec>& columns) {
  return absl::StrJoin(
      columns, ", ", [](std::string* out, const ColumnSpec& column) {
        absl::StrAppend(out, column.name, " ", column.elements());
      });
}

}  // namespace

absl::StatusOr<CsvColumns> ChooseColumns(const std::string& path,
                                         std::vector<std::string> names,
                                         const DataOptions& options,
                                         const DataSpec& model) {
  CsvColumns columns;
  columns.names = std::move(names);
  absl::Status status = CheckNames(path, columns.names);
  if (status.ok() && !options.x_columns.empty()) {
    status =
        Find(path, columns.names, "x_columns", options.x_columns, columns.x);
  }
  if (status.ok() && !options.y_columns.empty()) {
    status =
        Find(path, columns.names, "y_columns", options.y_columns, columns.y);
  }
  std::vector<int> rest;
  if (status.ok()) status = FindRest(path, columns, rest);
  if (!status.ok()) return status;

  const size_t inputs = CountElements(model.inputs);
  const size_t targets = CountElements(model.targets);
  if (columns.x.empty() && columns.y.empty()) {
    if (rest.size() != inputs + targets) {
      return Bad(path, rest.size(), " columns, but the model reads ", inputs,
                 " for its inputs (", Wants(model.inputs), ") and then ",
                 targets, " for its targets (", Wants(model.targets),
                 "); choose with --x_columns and --y_columns");
    }
    columns.x.assign(rest.begin(), rest.begin() + inputs);
    columns.y.assign(rest.begin() + inputs, rest.end());
  } else if (columns.x.empty()) {
    columns.x = std::move(rest);
  } else if (columns.y.empty()) {
    columns.y = std::move(rest);
  }
  if (columns.x.size() != inputs) {
    return Bad(path, columns.x.size(),
               " columns for the inputs, but the model ", "reads ", inputs,
               " (", Wants(model.inputs), "); choose with --x_columns");
  }
  if (columns.y.size() != targets) {
    return Bad(path, columns.y.size(), " columns for the targets, but the ",
               "model reads ", targets, " (", Wants(model.targets),
               "); choose with --y_columns");
  }
  return columns;
}

}  // namespace runtime
}  // namespace kiln
