#include "bench/subject.h"

#include <algorithm>
#include <numeric>

#include "runtime/random_data.h"

namespace kiln {

Subject::Subject(const Bundle& bundle, int64_t batch)
    : bundle(bundle), model(ValueOrDie(Model::Create(bundle))) {
  const Manifest& manifest = model->manifest();
  model->Initialize(1);
  samples = batch;
  for (const PipelineSpec& spec : manifest.pipelines) {
    samples = std::max(samples, spec.block);
    workspace_bytes = std::max(workspace_bytes, spec.workspace_bytes);
  }
  data = MakeRandomDataset(manifest, samples, /*seed=*/1);
  binding = std::make_unique<DataBinding>(
      ValueOrDie(DataBinding::Create(manifest, data)));
  rows.resize(samples);
  std::iota(rows.begin(), rows.end(), 0);
  weight.assign(samples, 1.0f);
  for (Arena* arena : {&parameters_out, &gradient, &state, &state_out})
    *arena = ValueOrDie(Arena::OfFloats(manifest.arena_floats));
  prepared = ValueOrDie(Arena::OfFloats(manifest.prepared_floats));
  workspace = ValueOrDie(Arena::Create(workspace_bytes));
  metrics.resize(manifest.metrics.size());
  for (const OutputSpec& output : manifest.outputs) {
    outputs.emplace_back(samples * ElementCount(output.shape));
    output_pointers.push_back(outputs.back().data());
  }
}

PipelineCall Subject::Call() {
  return {.data = binding.get(),
          .parameters = model->parameters().data(),
          .parameters64 = nullptr,
          .parameters_out = parameters_out.floats().data(),
          .prepared = prepared.floats().data(),
          .prepared_out = prepared.floats().data(),
          .state = state.floats().data(),
          .state_out = state_out.floats().data(),
          .gradient = gradient.floats().data(),
          .index = rows.data(),
          .weight = weight.data(),
          .scale = 1.0f / static_cast<float>(samples),
          .learning_rate = 0,
          .momentum = 0.9f,
          .weight_decay = 0,
          .workspace = workspace.data(),
          .outputs = output_pointers.data(),
          .loss = &loss,
          .loss64 = nullptr,
          .metrics = metrics.data()};
}

}  // namespace kiln
