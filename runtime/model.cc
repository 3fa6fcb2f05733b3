#include "runtime/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/random.h"

namespace kiln {
inline namespace runtime {

namespace {

// Parameter i draws from stream kInitStream + i of the seed; the trainer's
// shuffling uses streams from 2^32 on.
constexpr uint64_t kInitStream = 1;

// One value of the distribution. Truncated: redrawn until within two standard
// deviations, as TensorFlow does.
float Draw(const InitSpec& init, Random& random) {
  switch (init.kind) {
    case InitSpec::Kind::kZeros:
      return 0;
    case InitSpec::Kind::kConstant:
      return static_cast<float>(init.value);
    case InitSpec::Kind::kUniform:
      return random.Uniform(static_cast<float>(init.low),
                            static_cast<float>(init.high));
    case InitSpec::Kind::kNormal:
    case InitSpec::Kind::kTruncatedNormal:
      break;
  }
  float normal = random.Normal();
  while (init.kind == InitSpec::Kind::kTruncatedNormal &&
         std::abs(normal) > 2) {
    normal = random.Normal();
  }
  return static_cast<float>(init.mean + init.stddev * normal);
}

absl::Span<const float> ViewOf(const Arena& arena, const ParameterSpec& p) {
  return arena.floats().subspan(p.offset, p.size);
}

absl::Span<float> ViewOf(Arena& arena, const ParameterSpec& p) {
  return arena.floats().subspan(p.offset, p.size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> Model::Create(const Bundle& bundle) {
  absl::StatusOr<Manifest> manifest = ParseManifest(bundle.manifest_json);
  if (!manifest.ok()) return manifest.status();
  std::unique_ptr<Model> model(new Model(*std::move(manifest)));
  absl::Status status = model->BindPipelines(bundle);
  if (status.ok()) status = model->Allocate();
  if (!status.ok()) return status;
  return model;
}

absl::Status Model::BindPipelines(const Bundle& bundle) {
  for (const PipelineSpec& spec : manifest_.pipelines) {
    PipelineFamily* family = nullptr;
    switch (spec.kind) {
      case PipelineKind::kInfer:
        family = &infer_;
        break;
      case PipelineKind::kEval:
        family = &eval_;
        break;
      case PipelineKind::kGrad:
        family = &grad_;
        break;
      case PipelineKind::kStep:
        family = spec.optimizer == "sgd" ? &step_sgd_ : &step_momentum_;
        break;
      case PipelineKind::kLoss64:
        continue;  // gradient_check.cc's own
    }
    absl::StatusOr<Pipeline> pipeline = Pipeline::Bind(bundle, manifest_, spec);
    if (!pipeline.ok()) return pipeline.status();
    family->Add(*std::move(pipeline));
  }
  for (const auto& [family, name] :
       {std::pair(&infer_, "infer"), {&eval_, "eval"}, {&grad_, "grad"}}) {
    if (family->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(manifest_.model, ": no ", name, " pipeline"));
    }
  }
  return absl::OkStatus();
}

absl::Status Model::Allocate() {
  for (Arena& arena : parameters_) {
    absl::StatusOr<Arena> made = Arena::OfFloats(manifest_.arena_floats);
    if (!made.ok()) return made.status();
    arena = *std::move(made);
  }
  int64_t workspace = 0, block = 0;
  for (const PipelineSpec& spec : manifest_.pipelines) {
    if (spec.kind == PipelineKind::kLoss64) continue;
    workspace = std::max(workspace, spec.workspace_bytes);
    block = std::max(block, spec.block);
  }
  absl::StatusOr<Arena> made = Arena::Create(workspace);
  if (!made.ok()) return made.status();
  workspace_ = *std::move(made);
  index_.resize(block);
  weight_.resize(block);
  metrics_.resize(manifest_.metrics.size());
  for (const OutputSpec& output : manifest_.outputs) {
    outputs_.emplace_back(block * ElementCount(output.shape));
    output_pointers_.push_back(outputs_.back().data());
  }
  return absl::OkStatus();
}

absl::Status Model::EnsureGradientSlots(int slots) {
  if (slots <= gradient_slots_) return absl::OkStatus();
  absl::StatusOr<Arena> made = Arena::OfFloats(manifest_.arena_floats * slots);
  if (!made.ok()) return made.status();
  gradients_ = *std::move(made);
  gradient_slots_ = slots;
  return absl::OkStatus();
}

// --- Parameters -------------------------------------------------------------

void Model::Initialize(uint64_t seed) {
  for (size_t i = 0; i < manifest_.parameters.size(); ++i) {
    const ParameterSpec& p = manifest_.parameters[i];
    Random random(seed, kInitStream + i);
    for (float& value : ViewOf(parameters_[current_], p)) {
      value = Draw(p.init, random);
    }
  }
  MirrorParameters();
}

absl::Status Model::LoadParameters(const std::string& path) {
  absl::StatusOr<WeightsFile> file = WeightsFile::Read(path);
  if (!file.ok()) return file.status();
  std::vector<TensorSlot> slots;
  for (const ParameterSpec& p : manifest_.parameters) {
    const absl::Span<float> view = ViewOf(parameters_[current_], p);
    slots.push_back({p.name, p.shape, {view.data(), view.size()}});
  }
  absl::Status status = CopyTensors(*file, slots, "optimizer.");
  if (status.ok()) MirrorParameters();
  return status;
}

absl::Status Model::SaveParameters(const std::string& path,
                                   const Metadata& metadata) const {
  std::vector<TensorView> views;
  for (size_t i = 0; i < manifest_.parameters.size(); ++i) {
    const ParameterSpec& p = manifest_.parameters[i];
    const absl::Span<const float> view = parameter(i);
    views.push_back({p.name, p.shape, {view.data(), view.size()}});
  }
  return WriteWeightsFile(path, views, metadata);
}

absl::Span<const float> Model::parameter(int i) const {
  return ViewOf(parameters_[current_], manifest_.parameters[i]);
}

void Model::SetParameter(int i, absl::Span<const float> values) {
  const absl::Span<float> view =
      ViewOf(parameters_[current_], manifest_.parameters[i]);
  std::copy_n(values.begin(), std::min(values.size(), view.size()),
              view.begin());
  MirrorParameters();
}

// A fused step writes only what it trains: frozen parameters must be in both.
void Model::MirrorParameters() {
  const absl::Span<const float> from = parameters();
  std::copy(from.begin(), from.end(),
            parameters_[1 - current_].floats().begin());
}

// --- Passes over data -------------------------------------------------------

absl::Status Model::FillLanes(const DataBinding& data,
                              absl::Span<const int32_t> rows, int64_t block) {
  const auto samples = static_cast<uint32_t>(data.samples());
  for (size_t n = 0; n < rows.size(); ++n) {
    if (static_cast<uint32_t>(rows[n]) >= samples) {
      return absl::OutOfRangeError(
          absl::StrCat("row ", rows[n], " of ", data.samples(), " samples"));
    }
    index_[n] = rows[n];
    weight_[n] = 1;
  }
  for (int64_t n = rows.size(); n < block; ++n) {
    // Read, and weighs nothing, unless it is NaN: so no row of other batches.
    index_[n] = rows.empty() ? 0 : rows[0];
    weight_[n] = 0;
  }
  return absl::OkStatus();
}

PipelineCall Model::CallOn(const DataBinding& data) {
  return {.data = &data,
          .parameters = parameters().data(),
          .index = index_.data(),
          .weight = weight_.data(),
          .workspace = workspace_.data(),
          .outputs = output_pointers_.data(),
          .loss = &loss_,
          .metrics = metrics_.data()};
}

void Model::AddTo(Totals& totals, int64_t samples) const {
  totals.metrics.resize(metrics_.size());
  totals.samples += samples;
  totals.loss += loss_;
  for (size_t i = 0; i < metrics_.size(); ++i) {
    totals.metrics[i] += metrics_[i];
  }
}

absl::Status Model::Infer(const DataBinding& data,
                          absl::Span<const int32_t> rows,
                          std::vector<std::vector<float>>& outputs) {
  outputs.resize(manifest_.outputs.size());
  for (size_t k = 0; k < outputs.size(); ++k) {
    outputs[k].resize(rows.size() * ElementCount(manifest_.outputs[k].shape));
  }
  if (rows.empty()) return absl::OkStatus();
  for (const PlannedBlock& block :
       infer_.Plan(rows.size(), manifest_.arena_floats).blocks) {
    Pipeline& pipeline = infer_.at(block.pipeline);
    absl::Status status = FillLanes(
        data, rows.subspan(block.first, block.count), pipeline.spec().block);
    if (status.ok()) status = pipeline.Call(CallOn(data));
    if (!status.ok()) return status;
    for (size_t k = 0; k < outputs.size(); ++k) {
      const int64_t elements = ElementCount(manifest_.outputs[k].shape);
      std::copy_n(outputs_[k].begin(), block.count * elements,
                  outputs[k].begin() + block.first * elements);
    }
  }
  return absl::OkStatus();
}

absl::Status Model::Evaluate(const DataBinding& data,
                             absl::Span<const int32_t> rows, Totals& totals) {
  if (rows.empty()) return absl::OkStatus();
  for (const PlannedBlock& block :
       eval_.Plan(rows.size(), manifest_.arena_floats).blocks) {
    Pipeline& pipeline = eval_.at(block.pipeline);
    absl::Status status = FillLanes(
        data, rows.subspan(block.first, block.count), pipeline.spec().block);
    if (status.ok()) status = pipeline.Call(CallOn(data));
    if (!status.ok()) return status;
    AddTo(totals, block.count);
  }
  return absl::OkStatus();
}

void Model::PrepareEvaluation(const DataBinding& data) {
  if (all_rows_.size() < static_cast<size_t>(data.samples())) {
    all_rows_.resize(data.samples());
    std::iota(all_rows_.begin(), all_rows_.end(), 0);
  }
  if (data.samples() > 0) eval_.Plan(data.samples(), manifest_.arena_floats);
}

absl::Status Model::Evaluate(const DataBinding& data, Totals& totals) {
  PrepareEvaluation(data);
  return Evaluate(data, absl::MakeSpan(all_rows_).first(data.samples()),
                  totals);
}

absl::Status Model::Gradient(const DataBinding& data,
                             absl::Span<const int32_t> rows, Totals& totals) {
  if (rows.empty()) return absl::InvalidArgumentError("an empty batch");
  const BatchPlan& plan = grad_.Plan(rows.size(), manifest_.arena_floats);
  if (absl::Status status = EnsureGradientSlots(plan.slots); !status.ok()) {
    return status;
  }
  const int64_t size = manifest_.arena_floats;
  float* const slots = gradients_.floats().data();
  std::fill_n(slots, plan.slots * size, 0.0f);
  for (const PlannedBlock& block : plan.blocks) {
    Pipeline& pipeline = grad_.at(block.pipeline);
    absl::Status status = FillLanes(
        data, rows.subspan(block.first, block.count), pipeline.spec().block);
    if (!status.ok()) return status;
    PipelineCall call = CallOn(data);
    call.gradient = slots + block.slot * size;
    call.scale = 1.0f / static_cast<float>(rows.size());
    if (status = pipeline.Call(call); !status.ok()) return status;
    AddTo(totals, block.count);
  }
  for (int s = 1; s < plan.slots; ++s) {  // always in slot order
    const float* slot = slots + s * size;
    for (int64_t i = 0; i < size; ++i) slots[i] += slot[i];
  }
  return absl::OkStatus();
}

absl::Span<const float> Model::gradient() const {
  return gradients_.floats().first(manifest_.arena_floats);
}

}  // namespace runtime
}  // namespace kiln
