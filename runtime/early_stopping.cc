#include "runtime/early_stopping.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr double kRounding = 1e-6;  // TrainingOptions::stop_at_accuracy

absl::StatusOr<int> FindMetric(const Manifest& manifest, const char* why,
                               const std::string& name) {
  const int metric = manifest.FindMetric(name);
  if (metric >= 0) return metric;
  return absl::FailedPreconditionError(absl::StrCat(
      why, " needs a metric called ", name, "; the model has ",
      manifest.metrics.empty() ? "none"
                               : absl::StrJoin(manifest.metrics, ", ")));
}

}  // namespace

absl::StatusOr<EarlyStopping> EarlyStopping::Create(
    Model& model, const TrainingOptions& options) {
  EarlyStopping stopping(model);
  stopping.target_ = options.stop_at_accuracy;
  stopping.patience_ = options.patience;
  if (stopping.target_ > 0) {
    const absl::StatusOr<int> metric = FindMetric(
        model.manifest(), "stopping at an accuracy", options.stop_metric);
    if (!metric.ok()) return metric.status();
    stopping.metric_ = *metric;
  }
  if (stopping.patience_ > 0) {
    if (options.patience_metric != "loss") {
      const absl::StatusOr<int> metric =
          FindMetric(model.manifest(), "patience", options.patience_metric);
      if (!metric.ok()) return metric.status();
      stopping.watched_ = *metric;
    }
    stopping.best_parameters_.resize(model.parameters().size());
  }
  return stopping;
}

void EarlyStopping::Start() {
  last_epoch_ = 0;
  best_accuracy_ = best_watched_ = {};
}

StopReason EarlyStopping::EndOfEpoch(int64_t epoch, int64_t step,
                                     const Totals& totals) {
  last_epoch_ = epoch;
  if (patience_ > 0) {
    const double value =
        watched_ < 0 ? totals.MeanLoss() : totals.MeanMetric(watched_);
    const double best = best_watched_.value;
    const bool is_first = best_watched_.epoch == 0 || std::isnan(best);
    if (is_first || (watched_ < 0 ? value < best : value > best)) {
      best_watched_ = {value, epoch, step};
      const absl::Span<const float> parameters = model_->parameters();
      std::copy(parameters.begin(), parameters.end(), best_parameters_.begin());
    }
  }
  if (target_ > 0) {
    const double value = totals.MeanMetric(metric_);
    if (best_accuracy_.epoch == 0 || value > best_accuracy_.value) {
      best_accuracy_ = {value, epoch, step};
    }
    if (value >= target_ - kRounding) return StopReason::kAccuracy;
  }
  const bool spent = patience_ > 0 && epoch - best_watched_.epoch >= patience_;
  return spent ? StopReason::kPatience : StopReason::kLength;
}

bool EarlyStopping::RestoreBest() {
  if (patience_ == 0 || best_watched_.epoch == last_epoch_) return false;
  const absl::Span<const float> best = best_parameters_;
  for (size_t i = 0; i < model_->manifest().parameters.size(); ++i) {
    const ParameterSpec& p = model_->manifest().parameters[i];
    model_->SetParameter(static_cast<int>(i), best.subspan(p.offset, p.size));
  }
  return true;
}

}  // namespace runtime
}  // namespace kiln
