#include "runtime/trace.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/aligned.h"
#include "runtime/arena.h"
#include "runtime/pipeline.h"

namespace kiln {
inline namespace runtime {
namespace {

template <typename T>
std::vector<double> ReadAs(absl::Span<const uint8_t> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return {values.begin(), values.end()};
}

}  // namespace

absl::StatusOr<std::vector<std::vector<double>>> TraceSample(
    const Bundle& bundle, const Model& model, const DataBinding& data,
    int64_t sample) {
  const Manifest& manifest = model.manifest();
  if (sample < 0 || sample >= data.samples()) {
    return absl::OutOfRangeError(absl::StrCat("there is no sample ", sample,
                                              ": the data have ",
                                              data.samples(), ", from 0 on"));
  }
  const auto spec = std::find_if(
      manifest.pipelines.begin(), manifest.pipelines.end(),
      [](const PipelineSpec& p) { return p.kind == PipelineKind::kTrace; });
  if (spec == manifest.pipelines.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat(manifest.model, " has no trace pipeline to explain with"));
  }
  absl::StatusOr<Pipeline> pipeline = Pipeline::Bind(bundle, manifest, *spec);
  if (!pipeline.ok()) return pipeline.status();
  absl::StatusOr<Arena> workspace = Arena::Create(spec->workspace_bytes);
  if (!workspace.ok()) return workspace.status();

  std::vector<AlignedVector<uint8_t>> memory(manifest.nodes.size());
  std::vector<void*> pointers(manifest.nodes.size(), nullptr);
  for (size_t i = 0; i < memory.size(); ++i) {
    if (manifest.FindParameter(manifest.nodes[i].name) >= 0) continue;
    const NodeSpec& node = manifest.nodes[i];
    const size_t size =
        node.storage == Storage::kInt32 ? sizeof(int32_t) : sizeof(double);
    memory[i].resize(ElementCount(node.shape) * size);
    pointers[i] = memory[i].data();
  }
  const AlignedVector<double> parameters(model.parameters().begin(),
                                         model.parameters().end());
  const auto row = static_cast<int32_t>(sample);
  const float weight = 1;
  absl::Status status = pipeline->Call({.data = &data,
                                        .parameters64 = parameters.data(),
                                        .index = &row,
                                        .weight = &weight,
                                        .scale = 1,
                                        .workspace = workspace->data(),
                                        .trace = pointers.data()});
  if (!status.ok()) return status;

  std::vector<std::vector<double>> values(memory.size());
  for (size_t i = 0; i < memory.size(); ++i) {
    const NodeSpec& node = manifest.nodes[i];
    const int parameter = manifest.FindParameter(node.name);
    if (parameter >= 0) {
      const absl::Span<const float> of = model.parameter(parameter);
      values[i].assign(of.begin(), of.end());
    } else if (node.storage == Storage::kInt32) {
      values[i] = ReadAs<int32_t>(memory[i]);
    } else {
      values[i] = ReadAs<double>(memory[i]);
    }
  }
  return values;
}

}  // namespace runtime
}  // namespace kiln
