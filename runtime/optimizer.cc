#include "runtime/optimizer.h"

#include <kiln_update_momentum.h>
#include <kiln_update_sgd.h>

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

// A flat float buffer for the update pipelines. `dimension` is its storage.
halide_buffer_t FlatBuffer(float* data, int64_t size,
                           halide_dimension_t& dimension) {
  dimension = halide_dimension_t(0, static_cast<int32_t>(size), 1);
  halide_buffer_t buffer{};
  buffer.host = reinterpret_cast<uint8_t*>(data);
  buffer.type = halide_type_t(halide_type_float, 32);
  buffer.dimensions = 1;
  buffer.dim = &dimension;
  return buffer;
}

// A Halide buffer's extent has 31 bits.
constexpr int64_t kMostFloats = std::numeric_limits<int32_t>::max();

}  // namespace

absl::StatusOr<OptimizerKind> ParseOptimizer(absl::string_view name) {
  if (name == "sgd") return OptimizerKind::kSgd;
  if (name == "momentum") return OptimizerKind::kMomentum;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown optimizer \"", name, "\": use sgd or momentum"));
}

const char* OptimizerName(OptimizerKind kind) {
  return kind == OptimizerKind::kSgd ? "sgd" : "momentum";
}

Optimizer::Optimizer(Model& model, OptimizerKind kind)
    : model_(&model), kind_(kind) {
  // Neighbours with the same multiplier are one group, gaps included: padding
  // is zero in every arena and stays so.
  for (const ParameterSpec& p : model.manifest().parameters) {
    if (p.frozen) continue;
    const int64_t padded = (p.size + kArenaAlignmentFloats - 1) /
                           kArenaAlignmentFloats * kArenaAlignmentFloats;
    if (!groups_.empty() &&
        groups_.back().begin + groups_.back().size == p.offset &&
        groups_.back().size + padded <= kMostFloats &&
        groups_.back().learning_rate_multiplier == p.learning_rate_multiplier) {
      groups_.back().size += padded;
    } else {
      groups_.push_back({p.offset, padded, p.learning_rate_multiplier});
    }
  }
}

absl::StatusOr<Optimizer> Optimizer::Create(Model& model, OptimizerKind kind) {
  Optimizer optimizer(model, kind);
  if (kind == OptimizerKind::kMomentum) {
    for (Arena& arena : optimizer.velocity_) {
      absl::StatusOr<Arena> made =
          Arena::OfFloats(model.manifest().arena_floats);
      if (!made.ok()) return made.status();
      arena = *std::move(made);
    }
  }
  return optimizer;
}

absl::Status Optimizer::Prepare(int64_t batch) {
  if (absl::Status status = model_->CheckBatch(batch); !status.ok())
    return status;
  const BatchPlan& plan =
      model_->grad_.Plan(batch, model_->manifest().arena_floats);
  return FusedPipeline(batch) == nullptr
             ? model_->EnsureGradientSlots(plan.slots)
             : absl::OkStatus();
}

Pipeline* Optimizer::FusedPipeline(int64_t batch) {
  const BatchPlan& plan =
      model_->grad_.Plan(batch, model_->manifest().arena_floats);
  if (!allow_fused_ || plan.blocks.size() != 1) return nullptr;
  const int64_t block = model_->grad_.at(plan.blocks[0].pipeline).spec().block;
  return kind_ == OptimizerKind::kSgd ? model_->step_sgd_.FindBlock(block)
                                      : model_->step_momentum_.FindBlock(block);
}

bool Optimizer::IsFused(int64_t batch) {
  return FusedPipeline(batch) != nullptr;
}

absl::Status Optimizer::Step(const DataBinding& data,
                             absl::Span<const int32_t> rows,
                             const HyperParameters& hyper, Totals& totals) {
  if (rows.empty()) return absl::InvalidArgumentError("an empty batch");
  model_->is_prepared_ = false;
  if (Pipeline* fused = FusedPipeline(rows.size()); fused != nullptr) {
    return FusedStep(*fused, data, rows, hyper, totals);
  }
  absl::Status status = model_->Gradient(data, rows, totals);
  if (status.ok()) status = Update(hyper);
  if (status.ok()) model_->AdoptBuffers();
  return status;
}

absl::Status Optimizer::FusedStep(Pipeline& pipeline, const DataBinding& data,
                                  absl::Span<const int32_t> rows,
                                  const HyperParameters& hyper,
                                  Totals& totals) {
  absl::Status status = model_->FillLanes(data, rows, pipeline.spec().block);
  if (!status.ok()) return status;
  PipelineCall call = model_->CallOn(data);
  const int spare = 1 - model_->current_;
  call.parameters_out = model_->parameters_[spare].floats().data();
  call.state = velocity_[current_].floats().data();
  call.state_out = velocity_[1 - current_].floats().data();
  call.scale = 1.0f / static_cast<float>(rows.size());
  call.learning_rate = hyper.learning_rate;
  call.momentum = hyper.momentum;
  call.weight_decay = hyper.weight_decay;
  if (status = pipeline.Call(call); !status.ok()) return status;
  model_->current_ = spare;
  current_ = 1 - current_;
  model_->AddTo(totals, rows.size());
  return absl::OkStatus();
}

absl::Status Optimizer::Update(const HyperParameters& hyper) {
  float* const gradient = model_->gradients_.floats().data();
  float* const parameters =
      model_->parameters_[model_->current_].floats().data();
  float* const velocity = velocity_[current_].floats().data();
  for (const Group& group : groups_) {
    const auto learning_rate = static_cast<float>(
        hyper.learning_rate * group.learning_rate_multiplier);
    halide_dimension_t dimension;
    halide_buffer_t g =
        FlatBuffer(gradient + group.begin, group.size, dimension);
    halide_buffer_t p =
        FlatBuffer(parameters + group.begin, group.size, dimension);
    int code = 0;
    if (kind_ == OptimizerKind::kSgd) {
      code = kiln_update_sgd(&g, learning_rate, hyper.weight_decay, &p);
    } else {
      halide_buffer_t v =
          FlatBuffer(velocity + group.begin, group.size, dimension);
      code = kiln_update_momentum(&g, learning_rate, hyper.momentum,
                                  hyper.weight_decay, &p, &v);
    }
    if (code != 0) {
      return absl::InternalError(absl::StrCat("the ", OptimizerName(kind_),
                                              " update failed with ", code));
    }
  }
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
