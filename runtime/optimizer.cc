#include "runtime/optimizer.h"

#include <kiln_update_adam.h>
#include <kiln_update_momentum.h>
#include <kiln_update_nesterov.h>
#include <kiln_update_rmsprop.h>
#include <kiln_update_sgd.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/flat_buffer.h"
#include "runtime/parallel.h"
#include "runtime/text_table.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr std::pair<const char*, OptimizerKind> kOptimizers[] = {
    {"sgd", OptimizerKind::kSgd},
    {"momentum", OptimizerKind::kMomentum},
    {"nesterov", OptimizerKind::kNesterov},
    {"adam", OptimizerKind::kAdam},
    {"adamw", OptimizerKind::kAdamW},
    {"rmsprop", OptimizerKind::kRmsprop},
};

// The square of the Euclidean norm. In double no sum of floats' squares
// overflows. Eight sums, of every eighth value each, then those in turn: one
// order whatever the compiler, and one that it can vectorise.
double SquaredNorm(absl::Span<const float> values) {
  double sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < values.size(); ++i) sums[i % 8] += double{values[i]} * values[i];
  double sum = 0;
  for (double lane : sums) sum += lane;
  return sum;
}

}  // namespace

absl::StatusOr<OptimizerKind> ParseOptimizer(absl::string_view name) {
  for (const auto& [known, kind] : kOptimizers) {
    if (name == known) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown optimizer \"", name, "\": use ", OptimizerNames()));
}

const char* OptimizerName(OptimizerKind kind) {
  for (const auto& [name, known] : kOptimizers) {
    if (kind == known) return name;
  }
  return "?";
}

std::string OptimizerNames() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : kOptimizers) names.push_back(name);
  return Alternatives(names);
}

bool UsesMomentum(OptimizerKind kind) {
  return kind == OptimizerKind::kMomentum || kind == OptimizerKind::kNesterov;
}

Optimizer::Optimizer(Model& model, OptimizerKind kind)
    : model_(&model), kind_(kind) {
  // Neighbours with the same multipliers are one group, gaps included: padding
  // is zero in every arena and stays so.
  std::vector<Group> groups;
  for (const ParameterSpec& p : model.manifest().parameters) {
    if (p.frozen) continue;
    const int64_t padded = (p.size + kArenaAlignmentFloats - 1) /
                           kArenaAlignmentFloats * kArenaAlignmentFloats;
    if (!groups.empty() &&
        groups.back().begin + groups.back().size == p.offset &&
        groups.back().learning_rate_multiplier == p.learning_rate_multiplier &&
        groups.back().weight_decay_multiplier == p.weight_decay_multiplier) {
      groups.back().size += padded;
    } else {
      groups.push_back({p.offset, padded, p.learning_rate_multiplier,
                        p.weight_decay_multiplier});
    }
  }
  for (Group rest : groups) {
    while (rest.size > 0) {
      pieces_.push_back(rest);
      pieces_.back().size = std::min(rest.size, kPieceFloats);
      rest.begin += kPieceFloats;
      rest.size -= kPieceFloats;
    }
  }
  squares_.resize(pieces_.size());
  codes_.resize(pieces_.size());
}

absl::StatusOr<Optimizer> Optimizer::Create(Model& model, OptimizerKind kind) {
  Optimizer optimizer(model, kind);
  std::vector<Arena*> arenas;
  for (int i = 0; i < optimizer.state_count(); ++i) {
    arenas.push_back(&optimizer.state_[i]);
  }
  for (Arena* arena : arenas) {
    absl::StatusOr<Arena> made = Arena::OfFloats(model.manifest().arena_floats);
    if (!made.ok()) return made.status();
    *arena = *std::move(made);
  }
  return optimizer;
}

int Optimizer::state_count() const {
  switch (kind_) {
    case OptimizerKind::kSgd:
      return 0;
    case OptimizerKind::kMomentum:
    case OptimizerKind::kNesterov:
    case OptimizerKind::kRmsprop:
      return 1;
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      return 2;
  }
  return 0;
}

absl::Status Optimizer::Prepare(int64_t batch) {
  if (absl::Status status = model_->CheckBatch(batch); !status.ok())
    return status;
  if (FusedPipeline(batch) == nullptr) return model_->PrepareGradient(batch);
  model_->EnsureResults(1);
  return absl::OkStatus();
}

Pipeline* Optimizer::FusedPipeline(int64_t batch) {
  const BatchPlan& plan = model_->grad_.Plan(batch, model_->work());
  if (!allow_fused_ || clip_norm_ > 0 || plan.blocks.size() != 1) {
    return nullptr;
  }
  const int64_t block = model_->grad_.at(plan.blocks[0].pipeline).spec().block;
  switch (kind_) {
    case OptimizerKind::kSgd:
      return model_->step_sgd_.FindBlock(block);
    case OptimizerKind::kMomentum:
      return model_->step_momentum_.FindBlock(block);
    default:
      return nullptr;
  }
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
  absl::Status status = StepApart(data, rows, hyper, totals);
  if (status.ok()) model_->AdoptBuffers();
  return status;
}

absl::Status Optimizer::FusedStep(Pipeline& pipeline, const DataBinding& data,
                                  absl::Span<const int32_t> rows,
                                  const HyperParameters& hyper,
                                  Totals& totals) {
  absl::Status status =
      Model::FillLanes(data, rows, pipeline.spec().block, model_->workers_[0]);
  if (!status.ok()) return status;
  model_->EnsureResults(1);
  PipelineCall call = model_->CallOf(0, 0, model_->CallOn(data));
  const int spare = 1 - model_->current_;
  call.parameters_out = model_->parameters_[spare].floats().data();
  // In place: three arenas to keep in the cache instead of four, and no lines
  // fetched only to be overwritten. Parameters cannot be: other layers still
  // read them.
  call.state_out = state_[0].floats().data();
  call.state = call.state_out;
  call.scale = 1.0f / static_cast<float>(rows.size());
  call.learning_rate = static_cast<float>(hyper.learning_rate);
  call.momentum = static_cast<float>(hyper.momentum);
  call.weight_decay = static_cast<float>(hyper.weight_decay);
  if (status = pipeline.Call(call); !status.ok()) return status;
  model_->current_ = spare;
  model_->AddTo(totals, 0, rows.size());
  return absl::OkStatus();
}

absl::Span<float> Optimizer::GradientOf(const Group& piece) {
  return model_->gradients_.floats().subspan(piece.begin, piece.size);
}

absl::Status Optimizer::StepApart(const DataBinding& data,
                                  absl::Span<const int32_t> rows,
                                  const HyperParameters& hyper,
                                  Totals& totals) {
  absl::StatusOr<Model::GradientPass> pass = model_->StartGradient(data, rows);
  if (!pass.ok()) return pass.status();
  const double beta1_power = beta1_power_, beta2_power = beta2_power_;
  beta1_power_ *= hyper.beta1;
  beta2_power_ *= hyper.beta2;
  double norm = 0, scale = 1;
  std::fill(codes_.begin(), codes_.end(), 0);

  const auto fill = [&](int worker, int slot) {
    model_->FillSlot(*pass, worker, slot);
  };
  const auto sum = [&](int, int i) {
    codes_[i] = model_->SumSlots(*pass, pieces_[i].begin, pieces_[i].size);
    if (clip_norm_ > 0) squares_[i] = SquaredNorm(GradientOf(pieces_[i]));
  };
  const auto clip = [&](int, int) {
    norm = std::sqrt(std::accumulate(squares_.begin(), squares_.end(), 0.0));
    scale = std::min(clip_norm_ / (norm + 1e-6), 1.0);
  };
  const auto update = [&](int, int i) {
    if (model_->failed_ || codes_[i] != 0 || !std::isfinite(norm)) return;
    if (scale < 1) {
      for (float& g : GradientOf(pieces_[i])) g *= static_cast<float>(scale);
    }
    codes_[i] = UpdatePiece(pieces_[i], hyper);
  };
  const auto sum_and_update = [&](int worker, int i) {
    sum(worker, i);
    update(worker, i);
  };

  const int slots = pass->plan->slots, pieces = pieces_.size();
  const int workers = model_->WorkersForPieces(pieces);
  if (clip_norm_ > 0) {
    ParallelPhases({{slots, pass->workers, fill},
                    {pieces, workers, sum},
                    {1, 1, clip},
                    {pieces, workers, update}});
  } else {
    ParallelPhases(
        {{slots, pass->workers, fill}, {pieces, workers, sum_and_update}});
  }

  absl::Status status = model_->Collect(*pass->plan, totals);
  if (status.ok() && !std::isfinite(norm)) {
    status =
        absl::InternalError(absl::StrCat("the norm of the gradient is ", norm));
  }
  for (int code : codes_) {
    if (!status.ok() || code == 0) continue;
    status = absl::InternalError(absl::StrCat("the ", OptimizerName(kind_),
                                              " update failed with ", code));
  }
  if (!status.ok()) {
    beta1_power_ = beta1_power;
    beta2_power_ = beta2_power;
  }
  return status;
}

int Optimizer::UpdatePiece(const Group& piece, const HyperParameters& hyper) {
  halide_dimension_t dimension;
  const auto view = [&](Arena& arena) {
    return FlatBuffer(arena.floats().data() + piece.begin, piece.size,
                      dimension);
  };
  halide_buffer_t g = view(model_->gradients_);
  halide_buffer_t p = view(model_->parameters_[model_->current_]);
  halide_buffer_t state[2] = {};
  for (int i = 0; i < state_count(); ++i) state[i] = view(state_[i]);

  const auto as_float = [](double value) { return static_cast<float>(value); };
  const double rate = hyper.learning_rate * piece.learning_rate_multiplier;
  const double decay = hyper.weight_decay * piece.weight_decay_multiplier;
  switch (kind_) {
    case OptimizerKind::kSgd:
      return kiln_update_sgd(&g, as_float(rate), as_float(decay), &p);
    case OptimizerKind::kMomentum:
      return kiln_update_momentum(&g, as_float(rate), as_float(hyper.momentum),
                                  as_float(decay), &p, &state[0]);
    case OptimizerKind::kNesterov:
      return kiln_update_nesterov(&g, as_float(rate), as_float(hyper.momentum),
                                  as_float(decay), &p, &state[0]);
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW: {
      const bool decoupled = kind_ == OptimizerKind::kAdamW;
      return kiln_update_adam(
          &g, as_float(rate / (1 - beta1_power_)),
          decoupled ? 0 : as_float(decay),
          decoupled ? as_float(1 - rate * decay) : 1, as_float(1 - hyper.beta1),
          as_float(hyper.beta2), as_float(1 - hyper.beta2),
          as_float(std::sqrt(1 - beta2_power_)), as_float(hyper.epsilon), &p,
          &state[0], &state[1]);
    }
    case OptimizerKind::kRmsprop:
      return kiln_update_rmsprop(
          &g, as_float(rate), as_float(decay), as_float(hyper.alpha),
          as_float(1 - hyper.alpha), as_float(hyper.epsilon), &p, &state[0]);
  }
  return halide_error_code_generic_error;
}

}  // namespace runtime
}  // namespace kiln
