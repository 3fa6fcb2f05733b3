// What a model file says about its training, checked.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/model.h"

namespace kiln {
namespace {

// Those of runtime/optimizer.h and training_options.h, which dsl/ does not
// include.
constexpr std::array<absl::string_view, 6> kOptimizers = {
    "sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"};
constexpr std::array<absl::string_view, 3> kSchedules = {"constant", "step",
                                                         "cosine"};

template <typename Names>
bool IsAmong(const Names& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsAtLeastZero(double value) { return std::isfinite(value) && value >= 0; }
bool IsShare(double value) { return value >= 0 && value < 1; }

}  // namespace

void ModelBuilder::Defaults(const TrainingDefaults& defaults, Where where) {
  const TrainingDefaults& d = defaults;
  auto check = [&](bool right, absl::string_view what) {
    if (!right) Fail(where, "defaults", what);
  };
  check(d.batch >= 1, "batch must be 1 or more");
  check(d.epochs >= 0, "epochs must be 0 or more");
  check(d.steps >= -1, "steps must be -1 (no limit) or more");
  check(IsAmong(kOptimizers, d.optimizer),
        absl::StrCat("optimizer must be one of ",
                     absl::StrJoin(kOptimizers, ", ")));
  check(IsAtLeastZero(d.learning_rate), "learning_rate must be 0 or more");
  check(IsShare(d.momentum), "momentum must be in [0, 1)");
  check(IsAtLeastZero(d.weight_decay), "weight_decay must be 0 or more");
  check(IsShare(d.beta1), "beta1 must be in [0, 1)");
  check(IsShare(d.beta2), "beta2 must be in [0, 1)");
  check(IsShare(d.alpha), "alpha must be in [0, 1)");
  check(d.epsilon >= std::numeric_limits<float>::min() &&
            d.epsilon <= std::numeric_limits<float>::max(),
        "epsilon must be a float above 0");

  check(IsAmong(kSchedules, d.learning_rate_schedule),
        absl::StrCat("learning_rate_schedule must be one of ",
                     absl::StrJoin(kSchedules, ", ")));
  check(d.lr_step_every >= (d.learning_rate_schedule == "step" ? 1 : 0),
        "lr_step_every must be 1 epoch or more for the step schedule");
  check(IsAtLeastZero(d.lr_gamma), "lr_gamma must be 0 or more");
  check(IsAtLeastZero(d.min_learning_rate) &&
            (d.learning_rate_schedule != "cosine" ||
             d.min_learning_rate <= d.learning_rate),
        "min_learning_rate must be between 0 and learning_rate");
  check(d.warmup_steps >= 0, "warmup_steps must be 0 or more");
  check(IsAtLeastZero(d.clip_norm), "clip_norm must be 0 (never) or more");

  check(d.stop_at_accuracy >= 0 && d.stop_at_accuracy <= 1,
        "stop_at_accuracy must be in [0, 1]");
  check(d.stop_on == "test" || d.stop_on == "train",
        "stop_on must be test or train");
  check(d.patience >= 0, "patience must be 0 (none) epochs or more");
  defaults_ = defaults;
  defaults_where_ = where;
}

// Metrics may be written after the defaults: Build() asks.
void ModelBuilder::CheckStopMetric(const std::string& name) {
  const bool exists = std::any_of(
      graph_.outputs().begin(), graph_.outputs().end(),
      [&](const kiln::Output& output) {
        return output.kind == OutputKind::kMetric && output.name == name;
      });
  if (!exists) {
    Fail(defaults_where_, "defaults",
         absl::StrCat("there is no metric \"", name, "\" to stop by"));
  }
}

}  // namespace kiln
