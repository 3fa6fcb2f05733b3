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

// The fields that a flag's value names, in its order.
absl::StatusOr<std::vector<int>> Find(const std::string& path,
                                      const std::vector<std::string>& names,
                                      absl::string_view flag,
                                      absl::string_view value) {
  std::vector<int> fields;
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
  return fields;
}

// "x 2, y 1": what the model reads and how many columns that takes.
std::string Wants(const std::vector<ColumnSpec>& columns) {
  return absl::StrJoin(
      columns, ", ", [](std::string* out, const ColumnSpec& column) {
        absl::StrAppend(out, column.name, " ", column.elements());
      });
}

}  // namespace

int64_t CountElements(const std::vector<ColumnSpec>& columns) {
  int64_t count = 0;
  for (const ColumnSpec& column : columns) count += column.elements();
  return count;
}

absl::StatusOr<CsvColumns> ChooseColumns(const std::string& path,
                                         std::vector<std::string> names,
                                         const DataOptions& options,
                                         const DataSpec& model) {
  if (absl::Status status = CheckNames(path, names); !status.ok()) {
    return status;
  }
  CsvColumns columns;
  for (const auto& [flag, value, fields] :
       {std::tuple("x_columns", &options.x_columns, &columns.x),
        {"y_columns", &options.y_columns, &columns.y}}) {
    if (value->empty()) continue;
    absl::StatusOr<std::vector<int>> found = Find(path, names, flag, *value);
    if (!found.ok()) return found.status();
    *fields = *std::move(found);
  }
  std::vector<int> rest;
  for (int i = 0; i < static_cast<int>(names.size()); ++i) {
    const bool is_x = std::count(columns.x.begin(), columns.x.end(), i) > 0;
    const bool is_y = std::count(columns.y.begin(), columns.y.end(), i) > 0;
    if (is_x && is_y) {
      return Bad(path, "--x_columns and --y_columns both name ",
                 Quoted(names[i]));
    }
    if (is_x || is_y) continue;
    if (names[i] == "part") {
      columns.part = i;
    } else {
      rest.push_back(i);
    }
  }

  const int64_t inputs = CountElements(model.inputs);
  const int64_t targets = CountElements(model.targets);
  const int64_t left = static_cast<int64_t>(rest.size());
  if (columns.x.empty() && columns.y.empty()) {
    if (left != inputs + targets) {
      return Bad(path, left, " columns, but the model reads ", inputs,
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
  for (const auto& [kind, flag, spec, count, fields] :
       {std::tuple("inputs", "x_columns", &model.inputs, inputs, &columns.x),
        {"targets", "y_columns", &model.targets, targets, &columns.y}}) {
    if (static_cast<int64_t>(fields->size()) != count) {
      return Bad(path, fields->size(), " columns for the ", kind,
                 ", but the model reads ", count, " (", Wants(*spec),
                 "); choose with --", flag);
    }
  }
  columns.names = std::move(names);
  return columns;
}

}  // namespace runtime
}  // namespace kiln
