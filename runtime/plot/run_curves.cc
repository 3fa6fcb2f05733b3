// BinnedSeries and RunCurves: what is measured, before it is drawn.

#include <cmath>

#include "runtime/plot/curves.h"

namespace kiln {
inline namespace runtime {

BinnedSeries::BinnedSeries() { bins_.reserve(kPoints + 1); }

void BinnedSeries::Add(double iteration, double value) {
  if (!std::isfinite(value)) return;
  any_ = true;
  last_iteration_ = iteration;
  last_value_ = value;
  if (bins_.empty() || bins_.back().count == width_) {
    if (static_cast<int>(bins_.size()) == kPoints) {
      for (int i = 0; i < kPoints / 2; ++i) {
        const Bin &a = bins_[2 * i], &b = bins_[2 * i + 1];
        bins_[i] = {.iterations = a.iterations + b.iterations,
                    .values = a.values + b.values,
                    .count = a.count + b.count};
      }
      bins_.resize(kPoints / 2);
      width_ *= 2;
    }
    bins_.push_back({});
  }
  Bin& bin = bins_.back();
  bin.iterations += iteration;
  bin.values += value;
  ++bin.count;
}

std::vector<BinnedSeries::Point> BinnedSeries::Points(bool exact_end) const {
  std::vector<Point> points;
  for (const Bin& bin : bins_) {
    if (!exact_end && 2 * bin.count < width_ && !points.empty()) break;
    const auto count = static_cast<double>(bin.count);
    points.push_back({bin.iterations / count, bin.values / count});
  }
  if (exact_end && any_ && width_ > 1) {
    points.push_back({last_iteration_, last_value_});
  }
  return points;
}

RunCurves RunCurves::Of(const Manifest& manifest) {
  RunCurves run;
  run.name = manifest.model;
  run.measures.resize(1 + manifest.metrics.size());
  run.measures[0].name = "loss";
  for (size_t i = 0; i < manifest.metrics.size(); ++i) {
    run.measures[1 + i].name = manifest.metrics[i];
  }
  return run;
}

void RunCurves::Step(const TrainingStep& step) {
  const auto iteration = static_cast<double>(step.step);
  measures[0].train.Add(iteration, step.batch->MeanLoss());
  for (size_t i = 1; i < measures.size(); ++i) {
    measures[i].train.Add(iteration,
                          step.batch->MeanMetric(static_cast<int>(i - 1)));
  }
}

void RunCurves::Epoch(const TrainingEpoch& epoch) {
  if (epoch.test == nullptr) return;
  const auto iteration = static_cast<double>(epoch.step);
  measures[0].test.Add(iteration, epoch.test->MeanLoss());
  for (size_t i = 1; i < measures.size(); ++i) {
    measures[i].test.Add(iteration,
                         epoch.test->MeanMetric(static_cast<int>(i - 1)));
  }
}

}  // namespace runtime
}  // namespace kiln
