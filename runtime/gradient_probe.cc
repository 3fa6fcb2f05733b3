#include "runtime/gradient_probe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/random.h"
#include "runtime/random_data.h"

namespace kiln {
inline namespace runtime {

namespace {

// Not a multiple of any block above 1: the last lanes have weight 0.
constexpr int kSamples = 7;

// The parameters are the initial ones plus uniform noise of this size.
constexpr float kNoise = 0.02f;

}  // namespace

absl::StatusOr<std::unique_ptr<GradientProbe>> GradientProbe::Create(
    const Bundle& bundle, uint64_t seed) {
  auto probe = std::unique_ptr<GradientProbe>(new GradientProbe);
  // The same masks for every pipeline: any will do.
  probe->seed_ = static_cast<uint32_t>(seed);
  absl::StatusOr<std::unique_ptr<Model>> model = Model::Create(bundle);
  if (!model.ok()) return model.status();
  probe->model_ = *std::move(model);
  const Manifest& manifest = probe->manifest();

  int64_t workspace = 0, block = 0;
  for (const PipelineSpec& spec : manifest.pipelines) {
    const bool is_loss64 = spec.kind == PipelineKind::kLoss64;
    if (!is_loss64 && spec.kind != PipelineKind::kGrad) continue;
    if (manifest.whole_batch && spec.block < kSamples) continue;
    absl::StatusOr<Pipeline> pipeline = Pipeline::Bind(bundle, manifest, spec);
    if (!pipeline.ok()) return pipeline.status();
    workspace = std::max(workspace, spec.workspace_bytes);
    block = std::max(block, spec.block);
    if (is_loss64) {
      probe->loss64_ = std::make_unique<Pipeline>(*std::move(pipeline));
    } else {
      probe->grads_.push_back(*std::move(pipeline));
    }
  }
  if (probe->loss64_ == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(manifest.model, " has no loss64 pipeline to check with"));
  }
  if (probe->grads_.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        manifest.model, " has no grad pipeline of a block of ", kSamples,
        " or more, which batch normalisation needs here: add 8 to BLOCKS in "
        "kiln_add_model"));
  }
  probe->index_.resize(block);
  probe->weight_.resize(block);
  absl::StatusOr<Arena> arena = Arena::Create(workspace);
  if (!arena.ok()) return arena.status();
  probe->workspace_ = *std::move(arena);

  arena = Arena::OfFloats(manifest.arena_floats);
  if (!arena.ok()) return arena.status();
  probe->next_state_ = *std::move(arena);

  probe->data_ = MakeRandomDataset(manifest, kSamples, seed);
  absl::StatusOr<DataBinding> binding =
      DataBinding::Create(manifest, probe->data_);
  if (!binding.ok()) return binding.status();
  probe->binding_ = std::make_unique<DataBinding>(*binding);

  Model& m = *probe->model_;
  m.Initialize(seed);
  Random noise(seed, /*stream=*/1);
  for (size_t i = 0; i < manifest.parameters.size(); ++i) {
    std::vector<float> values(m.parameter(i).begin(), m.parameter(i).end());
    for (float& value : values) value += noise.Uniform(-kNoise, kNoise);
    m.SetParameter(i, values);
  }
  probe->parameters64_.assign(m.parameters().begin(), m.parameters().end());
  return probe;
}

void GradientProbe::FillLanes(int first, int count, int64_t block) {
  std::fill_n(index_.begin(), block, 0);
  std::fill_n(weight_.begin(), block, 0.0f);
  for (int i = 0; i < count; ++i) {
    const int64_t lane = i * block / count;
    index_[lane] = first + i;
    weight_[lane] = 1;
  }
}

absl::StatusOr<double> GradientProbe::Run(Pipeline& pipeline,
                                          PipelineCall call) {
  const int64_t block = pipeline.spec().block;
  std::vector<float> metrics(manifest().metrics.size());
  float loss = 0;
  double loss64 = 0, sum = 0;
  call.data = binding_.get();
  call.index = index_.data();
  call.weight = weight_.data();
  call.workspace = workspace_.data();
  call.parameters_out = next_state_.floats().data();
  call.seed = seed_;
  call.scale = 1.0f / kSamples;
  call.loss = &loss;
  call.loss64 = &loss64;
  call.metrics = metrics.data();
  for (int first = 0; first < kSamples; first += static_cast<int>(block)) {
    FillLanes(first, std::min<int>(block, kSamples - first), block);
    absl::Status status = pipeline.Call(call);
    if (!status.ok()) return status;
    sum += loss + loss64;  // a pipeline writes one of them
  }
  return sum / kSamples;
}

absl::StatusOr<double> GradientProbe::Loss64() {
  return Run(*loss64_, {.parameters64 = parameters64_.data()});
}

absl::StatusOr<std::vector<ProbedGradient>> GradientProbe::Gradients() {
  std::vector<ProbedGradient> gradients;
  for (Pipeline& pipeline : grads_) {
    absl::StatusOr<Arena> arena = Arena::OfFloats(manifest().arena_floats);
    if (!arena.ok()) return arena.status();
    absl::StatusOr<double> loss =
        Run(pipeline, {.parameters = model_->parameters().data(),
                       .gradient = arena->floats().data()});
    if (!loss.ok()) return loss.status();
    gradients.push_back({pipeline.spec().function, *std::move(arena), *loss});
  }
  return gradients;
}

}  // namespace runtime
}  // namespace kiln
