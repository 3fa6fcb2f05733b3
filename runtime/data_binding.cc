#include "runtime/data_binding.h"

#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

absl::Status CheckColumn(const Column& column, int64_t samples,
                         const std::string& name, Storage storage,
                         int64_t elements) {
  if (column.spec.storage != storage) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": the data are ", StorageName(column.spec.storage),
                     ", the model reads ", StorageName(storage)));
  }
  if (column.spec.elements() != elements ||
      static_cast<int64_t>(column.bytes.size()) !=
          samples * elements * StorageSize(storage)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": the data have ", column.spec.elements(),
                     " values a sample, the model reads ", elements));
  }
  if (samples > std::numeric_limits<int32_t>::max() / elements) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": more than 2^31 - 1 values"));
  }
  return absl::OkStatus();
}

absl::Status CheckLabels(const Column& column, const TargetSpec& target) {
  for (const int32_t label : column.labels()) {
    if (label < 0 || label >= target.classes) {
      return absl::InvalidArgumentError(
          absl::StrCat(target.name, ": label ", label, " is not one of ",
                       target.classes, " classes"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataBinding> DataBinding::Create(const Manifest& manifest,
                                                const Dataset& data) {
  if (data.samples < 1) {
    return absl::InvalidArgumentError("the data set has no samples");
  }
  if (data.inputs.size() != manifest.inputs.size() ||
      data.targets.size() != manifest.targets.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the data set has ", data.inputs.size(), " inputs and ",
                     data.targets.size(), " targets, the model ",
                     manifest.inputs.size(), " and ", manifest.targets.size()));
  }
  for (size_t i = 0; i < data.inputs.size(); ++i) {
    const InputSpec& input = manifest.inputs[i];
    absl::Status status = CheckColumn(data.inputs[i], data.samples, input.name,
                                      input.storage, ElementCount(input.shape));
    if (!status.ok()) return status;
  }
  for (size_t i = 0; i < data.targets.size(); ++i) {
    const TargetSpec& target = manifest.targets[i];
    absl::Status status =
        CheckColumn(data.targets[i], data.samples, target.name, target.storage,
                    target.elements());
    if (status.ok() && target.classes > 0) {
      status = CheckLabels(data.targets[i], target);
    }
    if (!status.ok()) return status;
  }
  return DataBinding(data);
}

}  // namespace runtime
}  // namespace kiln
