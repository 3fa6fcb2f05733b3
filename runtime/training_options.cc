#include "runtime/training_options.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

absl::Status Refuse(const char* name, double value, const char* range) {
  return absl::InvalidArgumentError(
      absl::StrCat("the ", name, " must be ", range, ", not ", value));
}

absl::Status CheckCounts(const TrainingOptions& o) {
  if (o.batch < 1) return Refuse("batch", o.batch, "at least 1");
  // A billion epochs of 2^31 steps still fit a step number.
  constexpr int64_t kMostEpochs = 1000000000;
  constexpr int64_t kMostSteps = int64_t{1} << 60;
  for (const auto& [name, value] :
       {std::pair("epochs", o.epochs),
        {"patience", o.patience},
        {"epochs between steps of the learning rate", o.lr_step_every}}) {
    if (value < 0 || value > kMostEpochs) {
      return Refuse(name, value, "between 0 and 1e9");
    }
  }
  if (o.steps < -1 || o.steps > kMostSteps) {
    return Refuse("steps", o.steps, "at least -1 and at most 2^60");
  }
  if (o.warmup_steps < 0 || o.warmup_steps > kMostSteps) {
    return Refuse("warm-up steps", o.warmup_steps,
                  "at least 0 and at most 2^60");
  }
  return absl::OkStatus();
}

absl::Status CheckLearningRate(const TrainingOptions& o) {
  for (const auto& [name, value] :
       {std::pair("learning rate", o.learning_rate),
        {"momentum", o.momentum},
        {"weight decay", o.weight_decay},
        {"factor of the learning rate's steps", o.lr_gamma},
        {"norm to clip at", o.clip_norm}}) {
    if (!std::isfinite(value) || value < 0) {
      return Refuse(name, value, "a finite number of at least 0");
    }
  }
  if (o.schedule == LearningRateSchedule::kStep && o.lr_step_every < 1) {
    return absl::InvalidArgumentError(
        "the step schedule needs the epochs between its steps, at least 1 "
        "(lr_step_every)");
  }
  if (o.schedule == LearningRateSchedule::kCosine &&
      !(o.min_learning_rate >= 0 && o.min_learning_rate <= o.learning_rate)) {
    return Refuse("lowest learning rate", o.min_learning_rate,
                  "between 0 and the learning rate");
  }
  return absl::OkStatus();
}

absl::Status CheckAveraging(const TrainingOptions& o) {
  for (const auto& [name, value] :
       {std::pair("beta1", o.beta1), {"beta2", o.beta2}, {"alpha", o.alpha}}) {
    if (!(value >= 0 && value < 1)) {
      return Refuse(name, value, "at least 0 and below 1");
    }
  }
  // 0 / (0 + epsilon) is the update of a parameter that has no gradient yet.
  if (!(o.epsilon >= std::numeric_limits<float>::min() &&
        o.epsilon <= std::numeric_limits<float>::max())) {
    return Refuse("epsilon", o.epsilon, "a float above 0");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTrainingOptions(const TrainingOptions& options) {
  absl::Status status = CheckCounts(options);
  if (status.ok()) status = CheckLearningRate(options);
  if (status.ok()) status = CheckAveraging(options);
  if (!status.ok()) return status;
  if (!(options.stop_at_accuracy >= 0 && options.stop_at_accuracy <= 1)) {
    return Refuse("accuracy to stop at", options.stop_at_accuracy,
                  "between 0 and 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<LearningRateSchedule> ParseSchedule(absl::string_view name) {
  if (name == "constant") return LearningRateSchedule::kConstant;
  if (name == "step") return LearningRateSchedule::kStep;
  if (name == "cosine") return LearningRateSchedule::kCosine;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown learning-rate schedule \"", name,
                   "\": use constant, step or cosine"));
}

absl::StatusOr<bool> ParseStopOn(absl::string_view name) {
  if (name == "test") return false;
  if (name == "train") return true;
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown part \"", name, "\" to stop on: use test or train"));
}

absl::StatusOr<TrainingOptions> OptionsFromDefaults(
    const TrainingDefaults& defaults) {
  const absl::StatusOr<OptimizerKind> optimizer =
      ParseOptimizer(defaults.optimizer);
  if (!optimizer.ok()) return optimizer.status();
  const absl::StatusOr<LearningRateSchedule> schedule =
      ParseSchedule(defaults.learning_rate_schedule);
  if (!schedule.ok()) return schedule.status();
  const absl::StatusOr<bool> stop_on = ParseStopOn(defaults.stop_on);
  if (!stop_on.ok()) return stop_on.status();
  return TrainingOptions{.epochs = defaults.epochs,
                         .steps = defaults.steps,
                         .batch = defaults.batch,
                         .optimizer = *optimizer,
                         .learning_rate = defaults.learning_rate,
                         .schedule = *schedule,
                         .momentum = defaults.momentum,
                         .weight_decay = defaults.weight_decay,
                         .stop_at_accuracy = defaults.stop_at_accuracy,
                         .beta1 = defaults.beta1,
                         .beta2 = defaults.beta2,
                         .alpha = defaults.alpha,
                         .epsilon = defaults.epsilon,
                         .lr_step_every = defaults.lr_step_every,
                         .lr_gamma = defaults.lr_gamma,
                         .min_learning_rate = defaults.min_learning_rate,
                         .warmup_steps = defaults.warmup_steps,
                         .clip_norm = defaults.clip_norm,
                         .stop_metric = defaults.stop_metric,
                         .stop_on_training_part = *stop_on,
                         .patience = defaults.patience,
                         .patience_metric = defaults.patience_metric};
}

}  // namespace runtime
}  // namespace kiln
