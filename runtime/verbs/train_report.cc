#include "runtime/verbs/train_report.h"

#include <cstdio>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

// "momentum 0.9", "adam (0.9, 0.999)".
std::string OptimizerText(const TrainingOptions& o) {
  const char* name = OptimizerName(o.optimizer);
  switch (o.optimizer) {
    case OptimizerKind::kSgd:
      return name;
    case OptimizerKind::kMomentum:
    case OptimizerKind::kNesterov:
      return absl::StrFormat("%s %g", name, o.momentum);
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      return absl::StrFormat("%s (%g, %g)", name, o.beta1, o.beta2);
    case OptimizerKind::kRmsprop:
      return absl::StrFormat("%s %g", name, o.alpha);
  }
  return name;
}

const char* ScheduleName(LearningRateSchedule schedule) {
  switch (schedule) {
    case LearningRateSchedule::kConstant:
      return "constant";
    case LearningRateSchedule::kStep:
      return "step";
    case LearningRateSchedule::kCosine:
      return "cosine";
  }
  return "?";
}

// "loss 0.0123", or "accuracy 98.51 %".
std::string ValueText(const std::string& name, double value) {
  return name == "loss" ? absl::StrFormat("loss %.6g", value)
                        : absl::StrFormat("%s %.2f %%", name, 100 * value);
}

}  // namespace

std::string UpdateText(const TrainingOptions& o) {
  std::string text = absl::StrFormat("%s, lr %g %s", OptimizerText(o),
                                     o.learning_rate, ScheduleName(o.schedule));
  if (o.warmup_steps > 0) {
    absl::StrAppend(&text, ", warm-up ", o.warmup_steps, " steps");
  }
  if (o.weight_decay > 0) {
    absl::StrAppendFormat(&text, ", weight decay %g", o.weight_decay);
  }
  if (o.clip_norm > 0)
    absl::StrAppendFormat(&text, ", norm at most %g", o.clip_norm);
  return text;
}

std::string EndText(const TrainingOptions& o, const Trainer& trainer,
                    const TrainingResult& result) {
  const char* part = trainer.stops_on_test() ? "test" : "train";
  std::string text = absl::StrFormat("%s after %d steps, %d epochs",
                                     result.stopped ? "stopped" : "ended",
                                     result.steps, result.epochs);
  const BestEpoch& accuracy = result.best_accuracy;
  if (result.reason == StopReason::kAccuracy) {
    absl::StrAppend(&text, ": ", part, " ",
                    ValueText(o.stop_metric, accuracy.value), " reached");
  } else if (accuracy.epoch > 0) {
    absl::StrAppendFormat(&text, ": %s %s not reached, best %.2f %% at step %d",
                          part, ValueText(o.stop_metric, o.stop_at_accuracy),
                          100 * accuracy.value, accuracy.step);
  }
  if (result.reason == StopReason::kPatience) {
    absl::StrAppendFormat(&text, ": no better %s %s for %d epochs", part,
                          o.patience_metric, o.patience);
  }
  if (result.restored) {
    absl::StrAppendFormat(
        &text, "; back to the weights of epoch %d, step %d (%s %s)",
        result.best_watched.epoch, result.best_watched.step, part,
        ValueText(o.patience_metric, result.best_watched.value));
  }
  return text;
}

TrainReporter::TrainReporter(const Manifest& manifest, const Trainer& trainer,
                             std::optional<TrainLog>& log, RunCurves* curves)
    : manifest_(manifest),
      accuracy_(manifest.FindMetric("accuracy")),
      epochs_(trainer.total_epochs()),
      progress_(stdout),
      log_(log),
      curves_(curves) {
  progress_.Start({.epochs = epochs_,
                   .steps_per_epoch = trainer.steps_per_epoch(),
                   .total_steps = trainer.total_steps()});
}

void TrainReporter::Step(const TrainingStep& step) {
  if (log_.has_value()) log_->Step(step);
  if (curves_ != nullptr) curves_->Step(step);
  progress_.Step({.epoch = step.epoch,
                  .step = step.step,
                  .samples = step.batch->samples,
                  .loss = step.batch->MeanLoss(),
                  .accuracy = accuracy_ < 0
                                  ? std::numeric_limits<double>::quiet_NaN()
                                  : step.batch->MeanMetric(accuracy_)});
}

void TrainReporter::Epoch(const TrainingEpoch& epoch) {
  if (log_.has_value()) log_->Epoch(epoch);
  if (curves_ != nullptr) curves_->Epoch(epoch);
  const int64_t every = (epochs_ + 19) / 20;
  if (epoch.epoch % every != 0 && !epoch.last) return;
  std::string line =
      absl::StrFormat("epoch %d/%d: train %s", epoch.epoch, epochs_,
                      MeansText(manifest_, *epoch.train));
  if (epoch.test != nullptr) {
    absl::StrAppend(&line, "; test ", MeansText(manifest_, *epoch.test));
  }
  absl::StrAppendFormat(&line, "; %.2f s", epoch.seconds);
  progress_.Print(line);
}

}  // namespace runtime
}  // namespace kiln
