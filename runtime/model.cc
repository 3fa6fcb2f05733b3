#include "runtime/model.h"

#include <kiln_update_sum.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/flat_buffer.h"
#include "runtime/parallel.h"
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
    case InitSpec::Kind::kValues:  // Initialize copies them
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
  absl::StatusOr<Manifest> manifest = ReadManifest(bundle);
  if (!manifest.ok()) return manifest.status();
  std::unique_ptr<Model> model(new Model(*std::move(manifest)));
  absl::Status status = model->BindPipelines(bundle);
  if (status.ok()) status = model->Allocate();
  if (!status.ok()) return status;
  return model;
}

absl::Status Model::BindPipelines(const Bundle& bundle) {
  for (const PipelineSpec& spec : manifest_.pipelines) {
    // A step updates the velocity in place. An autoscheduler's tiles may
    // overlap and would update some of it twice.
    const bool in_place = spec.schedule == "fast" || spec.schedule == "tuned" ||
                          spec.schedule == "naive";
    if (spec.kind == PipelineKind::kStep && !in_place) continue;
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
      case PipelineKind::kPrepare:
        family = &prepare_;
        break;
      case PipelineKind::kLoss64:
      case PipelineKind::kTrace:
        continue;  // gradient_check.cc's and trace.cc's own
    }
    absl::StatusOr<Pipeline> pipeline = Pipeline::Bind(bundle, manifest_, spec);
    if (!pipeline.ok()) return pipeline.status();
    family->Add(*std::move(pipeline));
  }
  if (manifest_.whole_batch) {
    for (PipelineFamily* family : {&grad_, &step_sgd_, &step_momentum_})
      family->NeedWholeBatch();
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
  absl::StatusOr<Arena> made = Arena::OfFloats(manifest_.prepared_floats);
  if (!made.ok()) return made.status();
  prepared_ = *std::move(made);
  return EnsureWorkers(1);
}

absl::StatusOr<Model::Worker> Model::MakeWorker() const {
  int64_t workspace = 0, block = 0;
  for (const PipelineSpec& spec : manifest_.pipelines) {
    if (spec.kind == PipelineKind::kLoss64 || spec.kind == PipelineKind::kTrace)
      continue;
    workspace = std::max(workspace, spec.workspace_bytes);
    block = std::max(block, spec.block);
  }
  absl::StatusOr<Arena> made = Arena::Create(workspace);
  if (!made.ok()) return made.status();
  Worker worker;
  worker.workspace = *std::move(made);
  worker.index.resize(block);
  worker.weight.resize(block);
  for (const OutputSpec& output : manifest_.outputs) {
    worker.outputs.emplace_back(block * ElementCount(output.shape));
    worker.output_pointers.push_back(worker.outputs.back().data());
  }
  return worker;
}

absl::Status Model::EnsureWorkers(int workers) {
  while (workers_.size() < static_cast<size_t>(workers)) {
    absl::StatusOr<Worker> worker = MakeWorker();
    if (!worker.ok()) return worker.status();
    workers_.push_back(*std::move(worker));
  }
  for (PipelineFamily* family : {&infer_, &eval_, &grad_})
    family->EnsureWorkers(workers);
  return absl::OkStatus();
}

absl::Status Model::SetThreads(int threads) {
  if (absl::Status status = EnsureWorkers(threads); !status.ok()) return status;
  threads_ = threads;
  SetPoolThreads(threads);
  return absl::OkStatus();
}

int Model::WorkersFor(int64_t flops) const {
  return flops < kParallelFlops ? 1 : threads_;
}

int Model::ThreadsForStep(int64_t batch) {
  return std::min(WorkersFor(manifest_.flops.useful_step() * batch),
                  grad_.Plan(batch, work()).slots);
}

// A piece takes half a microsecond: less than four a thread are not worth
// handing out.
int Model::WorkersForPieces(size_t pieces) const {
  return std::min<int64_t>(threads_, pieces / 4);
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
    if (p.init.kind == InitSpec::Kind::kValues) {
      std::copy(p.init.values.begin(), p.init.values.end(),
                ViewOf(parameters_[current_], p).begin());
      continue;
    }
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
  is_prepared_ = false;
}

// Brings what inference folds up to date with the parameters.
absl::Status Model::Prepare() {
  if (is_prepared_ || prepare_.empty()) return absl::OkStatus();
  const PipelineCall call = {.parameters = parameters().data(),
                             .prepared_out = prepared_.floats().data(),
                             .workspace = workers_[0].workspace.data()};
  absl::Status status = prepare_.at(0).Call(call);
  is_prepared_ = status.ok();
  return status;
}

// --- Passes over data -------------------------------------------------------

absl::Status Model::FillLanes(const DataBinding& data,
                              absl::Span<const int32_t> rows, int64_t block,
                              Worker& worker) {
  const auto samples = static_cast<uint32_t>(data.samples());
  for (size_t n = 0; n < rows.size(); ++n) {
    if (static_cast<uint32_t>(rows[n]) >= samples) {
      return absl::OutOfRangeError(
          absl::StrCat("row ", rows[n], " of ", data.samples(), " samples"));
    }
    worker.index[n] = rows[n];
    worker.weight[n] = 1;
  }
  for (int64_t n = rows.size(); n < block; ++n) {
    // Read, and weighs nothing, unless it is NaN: so no row of other batches.
    worker.index[n] = rows.empty() ? 0 : rows[0];
    worker.weight[n] = 0;
  }
  return absl::OkStatus();
}

PipelineCall Model::CallOn(const DataBinding& data) const {
  return {.data = &data,
          .parameters = parameters().data(),
          .prepared = prepared_.floats().data(),
          .seed = seed_,
          .step = step_};
}

PipelineCall Model::CallOf(int worker, size_t b, PipelineCall call) {
  Worker& w = workers_[worker];
  call.index = w.index.data();
  call.weight = w.weight.data();
  call.workspace = w.workspace.data();
  call.outputs = w.output_pointers.data();
  call.loss = results_.data() + b * result_stride();
  call.metrics = call.loss + 1;
  return call;
}

void Model::RunBlock(PipelineFamily& family, const BatchPlan& plan, size_t b,
                     int worker, absl::Span<const int32_t> rows,
                     PipelineCall call) {
  const PlannedBlock& block = plan.blocks[b];
  Pipeline& pipeline = family.at(block.pipeline, worker);
  absl::Status status =
      FillLanes(*call.data, rows.subspan(block.first, block.count),
                pipeline.spec().block, workers_[worker]);
  if (status.ok()) status = pipeline.Call(CallOf(worker, b, call));
  if (!status.ok()) failed_ = true;
  statuses_[b] = std::move(status);
}

size_t Model::result_stride() const {
  constexpr size_t kLine = kAlignment / sizeof(float);
  return (1 + manifest_.metrics.size() + kLine - 1) / kLine * kLine;
}

void Model::EnsureResults(size_t blocks) {
  if (blocks <= statuses_.size()) return;
  statuses_.resize(blocks);
  results_.resize(blocks * result_stride());
}

absl::Status Model::Collect(const BatchPlan& plan, Totals& totals) const {
  for (size_t b = 0; b < plan.blocks.size(); ++b) {
    if (!statuses_[b].ok()) return statuses_[b];
    AddTo(totals, b, plan.blocks[b].count);
  }
  return absl::OkStatus();
}

void Model::AddTo(Totals& totals, size_t b, int64_t samples) const {
  const float* loss = results_.data() + b * result_stride();
  totals.metrics.resize(manifest_.metrics.size());
  totals.samples += samples;
  totals.loss += *loss;
  for (size_t i = 0; i < totals.metrics.size(); ++i) {
    totals.metrics[i] += loss[1 + i];
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
  if (absl::Status status = Prepare(); !status.ok()) return status;
  const BatchPlan& plan = infer_.Plan(rows.size(), {});
  EnsureResults(plan.blocks.size());
  const PipelineCall call = CallOn(data);
  ParallelFor(WorkersFor(manifest_.flops.useful_inference * rows.size()),
              plan.blocks.size(), [&](int worker, int b) {
                RunBlock(infer_, plan, b, worker, rows, call);
                const PlannedBlock& block = plan.blocks[b];
                for (size_t k = 0; k < outputs.size(); ++k) {
                  const int64_t elements =
                      ElementCount(manifest_.outputs[k].shape);
                  std::copy_n(workers_[worker].outputs[k].begin(),
                              block.count * elements,
                              outputs[k].begin() + block.first * elements);
                }
              });
  for (size_t b = 0; b < plan.blocks.size(); ++b) {
    if (!statuses_[b].ok()) return statuses_[b];
  }
  return absl::OkStatus();
}

absl::Status Model::Evaluate(const DataBinding& data,
                             absl::Span<const int32_t> rows, Totals& totals) {
  if (rows.empty()) return absl::OkStatus();
  const BatchPlan& plan = eval_.Plan(rows.size(), {});
  EnsureResults(plan.blocks.size());
  const PipelineCall call = CallOn(data);
  ParallelFor(WorkersFor(manifest_.flops.useful_forward * rows.size()),
              plan.blocks.size(), [&](int worker, int b) {
                RunBlock(eval_, plan, b, worker, rows, call);
              });
  return Collect(plan, totals);
}

void Model::PrepareEvaluation(const DataBinding& data) {
  if (all_rows_.size() < static_cast<size_t>(data.samples())) {
    all_rows_.resize(data.samples());
    std::iota(all_rows_.begin(), all_rows_.end(), 0);
  }
  if (data.samples() > 0)
    EnsureResults(eval_.Plan(data.samples(), {}).blocks.size());
}

absl::Status Model::Evaluate(const DataBinding& data, Totals& totals) {
  PrepareEvaluation(data);
  return Evaluate(data, absl::MakeSpan(all_rows_).first(data.samples()),
                  totals);
}

BatchWork Model::work() const {
  return {.arena_floats = manifest_.arena_floats,
          .flops = manifest_.flops.useful_step()};
}

absl::Status Model::PrepareGradient(int64_t batch) {
  if (absl::Status status = CheckBatch(batch); !status.ok()) return status;
  const BatchPlan& plan = grad_.Plan(batch, work());
  EnsureResults(plan.blocks.size());
  return EnsureGradientSlots(plan.slots);
}

absl::Status Model::Gradient(const DataBinding& data,
                             absl::Span<const int32_t> rows, Totals& totals) {
  absl::StatusOr<GradientPass> pass = StartGradient(data, rows);
  if (!pass.ok()) return pass.status();
  const int64_t size = manifest_.arena_floats;
  const int pieces = (size + kPieceFloats - 1) / kPieceFloats;
  std::atomic<int> sum_code{0};
  ParallelPhases(
      {{pass->plan->slots, pass->workers,
        [&](int worker, int slot) { FillSlot(*pass, worker, slot); }},
       {pieces, WorkersForPieces(pieces), [&](int, int i) {
          const int64_t begin = i * kPieceFloats;
          const int code =
              SumSlots(*pass, begin, std::min(kPieceFloats, size - begin));
          if (code != 0) sum_code = code;
        }}});
  absl::Status status = Collect(*pass->plan, totals);
  if (status.ok() && sum_code != 0) {
    status = absl::InternalError(
        absl::StrCat("the sum of gradients failed with ", sum_code.load()));
  }
  return status;
}

absl::StatusOr<Model::GradientPass> Model::StartGradient(
    const DataBinding& data, absl::Span<const int32_t> rows) {
  if (rows.empty()) return absl::InvalidArgumentError("an empty batch");
  if (absl::Status status = PrepareGradient(rows.size()); !status.ok())
    return status;
  failed_ = false;
  GradientPass pass = {
      .plan = &grad_.Plan(rows.size(), work()),
      .rows = rows,
      .call = CallOn(data),
      .workers = WorkersFor(manifest_.flops.useful_step() * rows.size())};
  pass.call.scale = 1.0f / static_cast<float>(rows.size());
  // Next values of the state wait in the spare arena.
  pass.call.parameters_out = parameters_[1 - current_].floats().data();
  return pass;
}

// The slot's blocks in their order: the first stores, whatever an earlier batch
// has left in the slot, even by a pipeline that failed. Every plan's slots have
// blocks. What no pipeline writes, the padding and frozen parameters, is zero
// from the start. An error ends the slot, so that no block before the first
// that fails is missing.
void Model::FillSlot(const GradientPass& pass, int worker, int slot) {
  PipelineCall call = pass.call;
  call.gradient = gradients_.floats().data() + slot * manifest_.arena_floats;
  call.accumulate = PipelineCall::kStore;
  for (size_t b = 0; b < pass.plan->blocks.size(); ++b) {
    if (pass.plan->blocks[b].slot != slot) continue;
    RunBlock(grad_, *pass.plan, b, worker, pass.rows, call);
    if (!statuses_[b].ok()) return;
    call.accumulate = PipelineCall::kAdd;
  }
}

int Model::SumSlots(const GradientPass& pass, int64_t begin, int64_t size) {
  float* const first = gradients_.floats().data() + begin;
  halide_dimension_t dimension;
  halide_buffer_t sum = FlatBuffer(first, size, dimension);
  for (int s = 1; s < pass.plan->slots; ++s) {  // always in slot order
    halide_buffer_t slot =
        FlatBuffer(first + s * manifest_.arena_floats, size, dimension);
    if (const int code = kiln_update_sum(&slot, &sum); code != 0) return code;
  }
  return 0;
}

void Model::SetRandomKey(uint64_t seed, int64_t step) {
  // A seed of 32 bits stays as it is.
  seed_ = static_cast<uint32_t>(seed ^ (seed >> 32));
  step_ = static_cast<uint32_t>(step);
}

absl::Status Model::CheckBatch(int64_t batch) {
  if (!manifest_.whole_batch || !grad_.Plan(batch, work()).blocks.empty()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(manifest_.model,
                   ": batch normalisation takes its statistics from a "
                   "whole batch, and ",
                   batch, " samples do not fit the largest block, ",
                   grad_.LargestBlock(), ": add ", batch,
                   " to BLOCKS in kiln_add_model, or "
                   "train with a batch of at most ",
                   grad_.LargestBlock()));
}

void Model::AdoptBuffers() {
  for (const ParameterSpec& p : manifest_.parameters) {
    if (!p.buffer) continue;
    const absl::Span<const float> next =
        ViewOf(std::as_const(parameters_[1 - current_]), p);
    std::copy(next.begin(), next.end(),
              ViewOf(parameters_[current_], p).begin());
  }
}

absl::Span<const float> Model::gradient() const {
  return gradients_.floats().first(manifest_.arena_floats);
}

}  // namespace runtime
}  // namespace kiln
