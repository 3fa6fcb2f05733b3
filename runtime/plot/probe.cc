#include "runtime/plot/probe.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

absl::StatusOr<std::unique_ptr<Probe>> Probe::Create(
    const Manifest& manifest, absl::Span<const float> inputs, double target) {
  if (manifest.inputs.size() != 1 ||
      manifest.inputs[0].storage != Storage::kFloat32) {
    return absl::InvalidArgumentError(absl::StrCat(
        "this picture needs a model with one float32 input; ", manifest.model,
        " has ", manifest.inputs.size(), " of type ",
        manifest.inputs.empty() ? "none"
                                : StorageName(manifest.inputs[0].storage)));
  }
  const InputSpec& input = manifest.inputs[0];
  const int64_t samples =
      static_cast<int64_t>(inputs.size()) / ElementCount(input.shape);
  std::unique_ptr<Probe> probe(new Probe);
  Dataset& data = probe->data_;
  data.samples = samples;
  data.inputs.push_back(
      MakeColumn({.name = input.name, .shape = input.shape}, samples));
  std::copy(inputs.begin(), inputs.end(),
            data.inputs[0].mutable_floats().begin());
  for (const TargetSpec& spec : manifest.targets) {
    data.targets.push_back(MakeColumn(spec, samples));
    if (spec.classes > 0) {
      for (int32_t& label : data.targets.back().mutable_labels()) {
        label = static_cast<int32_t>(target);
      }
    } else {
      for (float& value : data.targets.back().mutable_floats()) {
        value = static_cast<float>(target);
      }
    }
  }
  absl::StatusOr<DataBinding> binding = DataBinding::Create(manifest, data);
  if (!binding.ok()) return binding.status();
  probe->binding_ = std::make_unique<DataBinding>(*std::move(binding));
  probe->rows_.resize(samples);
  std::iota(probe->rows_.begin(), probe->rows_.end(), 0);
  return probe;
}

absl::StatusOr<std::vector<float>> Probe::Infer(Model& model, int k) const {
  std::vector<std::vector<float>> outputs;
  absl::Status status = model.Infer(*binding_, rows_, outputs);
  if (!status.ok()) return status;
  return std::move(outputs[k]);
}

}  // namespace runtime
}  // namespace kiln
