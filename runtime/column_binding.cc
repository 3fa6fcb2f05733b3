#include "runtime/column_binding.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {
namespace {

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

absl::Status NoClass(const Column& column, size_t sample,
                     absl::string_view value, const ColumnSpec& model) {
  return Disagree(column.origin,
                  absl::StrCat("the label of sample ", sample, " is ", value,
                               ", but the model's ", model.name,
                               " has the classes 0 to ", model.classes - 1));
}

absl::Status CheckLabels(const Column& column, const ColumnSpec& model) {
  const absl::Span<const int32_t> labels = column.labels();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= model.classes) {
      return NoClass(column, i, absl::StrCat(labels[i]), model);
    }
  }
  return absl::OkStatus();
}

int64_t Samples(const Column& column) {
  return static_cast<int64_t>(column.bytes.size()) /
         (column.spec.elements() * StorageSize(column.spec.storage));
}

// REQUIRES: every label is 0 or 1.
void LabelsToValues(Column& column) {
  Column values =
      MakeColumn({.name = column.spec.name, .shape = {1}}, Samples(column));
  std::copy(column.labels().begin(), column.labels().end(),
            values.mutable_floats().begin());
  values.origin = std::move(column.origin);
  column = std::move(values);
}

// REQUIRES: one float a sample.
absl::Status ValuesToLabels(const ColumnSpec& model, Column& column) {
  const absl::Span<const float> values = column.floats();
  Column labels = MakeColumn(model, Samples(column));
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    // So written, NaN is no class either.
    if (!(value >= 0 && value < static_cast<float>(model.classes)) ||
        value != static_cast<float>(static_cast<int32_t>(value))) {
      return NoClass(column, i, absl::StrCat(value), model);
    }
    labels.mutable_labels()[i] = static_cast<int32_t>(value);
  }
  labels.origin = std::move(column.origin);
  column = std::move(labels);
  return absl::OkStatus();
}

// Makes labels values or values labels, where the model wants the other and
// nothing is lost.
absl::Status MatchKind(const ColumnSpec& model, Column& column) {
  const ColumnSpec& data = column.spec;
  if ((data.classes > 0) == (model.classes > 0)) return absl::OkStatus();
  if (data.classes > 0 && data.classes <= 2 && model.elements() == 1 &&
      model.storage == Storage::kFloat32) {
    LabelsToValues(column);
    return absl::OkStatus();
  }
  if (model.classes > 0 && data.elements() == 1 &&
      data.storage == Storage::kFloat32) {
    return ValuesToLabels(model, column);
  }
  return Disagree(
      column.origin,
      absl::StrCat(data.name, data.classes > 0 ? " are labels" : " are values",
                   ", but the model's ", model.name, " wants ",
                   model.classes > 0 ? "labels" : "values"));
}

absl::Status BindColumn(const ColumnSpec& model, Column& column) {
  if (absl::Status kind = MatchKind(model, column); !kind.ok()) return kind;
  const ColumnSpec& data = column.spec;
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

absl::Status BindAll(const std::string& source, absl::string_view kind,
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

absl::Status BindColumns(const std::string& source, const DataSpec& model,
                         Dataset& data) {
  absl::Status status = BindAll(source, "input", model.inputs, data.inputs);
  if (!status.ok()) return status;
  return BindAll(source, "target", model.targets, data.targets);
}

}  // namespace runtime
}  // namespace kiln
