#include "runtime/data_sources.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "runtime/digits.h"
#include "runtime/generated_sets.h"
#include "runtime/mnist_directory.h"

namespace kiln {
inline namespace runtime {
namespace {

std::optional<DataPair> GeneratedSet(const std::string& name, uint64_t seed) {
  if (name == "digits") return MakeDigits(seed);
  if (name == "xor") return MakeXor();
  if (name == "xor_cloud") return MakeXorCloud(seed);
  return std::nullopt;
}

absl::StatusOr<DataPair> FindData(const std::string& source, uint64_t seed) {
  std::optional<DataPair> generated = GeneratedSet(source, seed);
  if (generated.has_value()) return *std::move(generated);
  std::error_code ignored;
  if (std::filesystem::is_directory(source, ignored)) {
    return ReadMnistDirectory(source);
  }
  return absl::NotFoundError(
      absl::StrCat("no data \"", source,
                   "\": it is no directory with the four files of MNIST, nor "
                   "digits, xor or xor_cloud"));
}

absl::Status Disagree(const std::string& origin, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(origin, ": ", problem, "; choose data that fit the model"));
}

// Whether one shape's memory reads as the other's.
bool SameLayout(const ColumnSpec& data, const ColumnSpec& model) {
  if (model.shape.size() == 1) return data.elements() == model.elements();
  const auto without_ones = [](std::vector<int64_t> shape) {
    shape.erase(std::remove(shape.begin(), shape.end(), 1), shape.end());
    return shape;
  };
  return without_ones(data.shape) == without_ones(model.shape);
}

absl::Status CheckLabels(const Column& column, const ColumnSpec& model) {
  const absl::Span<const int32_t> labels = column.labels();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= model.classes) {
      return Disagree(
          column.origin,
          absl::StrCat("the label of sample ", i, " is ", labels[i],
                       ", but the model's ", model.name,
                       " has the classes 0 to ", model.classes - 1));
    }
  }
  return absl::OkStatus();
}

// Checks a column against what the model wants there and makes it that.
absl::Status BindColumn(const ColumnSpec& model, Column& column) {
  const ColumnSpec& data = column.spec;
  if ((data.classes > 0) != (model.classes > 0)) {
    return Disagree(
        column.origin,
        absl::StrCat(data.name,
                     data.classes > 0 ? " are labels" : " are values",
                     ", but the model's ", model.name, " wants ",
                     model.classes > 0 ? "labels" : "values"));
  }
  if (data.storage != model.storage) {
    return Disagree(column.origin,
                    absl::StrCat(data.name, " is ", StorageName(data.storage),
                                 ", but the model's ", model.name, " is ",
                                 StorageName(model.storage)));
  }
  if (!SameLayout(data, model)) {
    return Disagree(column.origin,
                    absl::StrCat(data.name, " has shape ",
                                 ShapeText(data.shape), ", but the model's ",
                                 model.name, " has ", ShapeText(model.shape)));
  }
  if (model.classes > 0) {
    const absl::Status labels = CheckLabels(column, model);
    if (!labels.ok()) return labels;
  }
  column.spec = model;
  return absl::OkStatus();
}

absl::Status BindColumns(const std::string& source, absl::string_view kind,
                         const std::vector<ColumnSpec>& model,
                         std::vector<Column>& columns) {
  if (columns.size() != model.size()) {
    return Disagree(source, absl::StrCat("it has ", columns.size(), " ", kind,
                                         "(s), the model has ", model.size()));
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const absl::Status status = BindColumn(model[i], columns[i]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataPair> LoadData(const DataOptions& options,
                                  const DataSpec& model) {
  const std::string& source = options.source;
  absl::StatusOr<DataPair> data = FindData(source, options.seed);
  if (!data.ok()) return data;
  for (Dataset* part : {&data->train, &data->test}) {
    absl::Status status =
        BindColumns(source, "input", model.inputs, part->inputs);
    status.Update(BindColumns(source, "target", model.targets, part->targets));
    if (!status.ok()) return status;
  }
  return data;
}

}  // namespace runtime
}  // namespace kiln
