// bench: how long a training step and inference of a whole batch take, and what
// share of the FMA peak of the cores it runs on the step reaches.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/json_access.h"
#include "runtime/optimizer.h"
#include "runtime/parallel.h"
#include "runtime/peak.h"
#include "runtime/random_data.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

using Clock = std::chrono::steady_clock;

// The median time of work(), in microseconds, over at least kRuns runs and
// kSeconds; the first run, which plans and warms up, is not counted.
template <typename Work>
absl::StatusOr<double> MedianMicroseconds(const Work& work) {
  constexpr size_t kRuns = 5;
  constexpr double kSeconds = 0.5;
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  for (bool warm = false;; warm = true) {
    const Clock::time_point start = Clock::now();
    if (absl::Status status = work(); !status.ok()) return status;
    const Clock::time_point end = Clock::now();
    if (!warm) continue;
    times.push_back(
        std::chrono::duration<double, std::micro>(end - start).count());
    const std::chrono::duration<double> total = end - begin;
    if (times.size() >= kRuns && total.count() > kSeconds) break;
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  return times[times.size() / 2];
}

// The data of a batch are made in memory.
constexpr int64_t kMostSamples = 1 << 20;

// Of so many cores at the same time: a core alone may clock higher.
double PeakGflopsOf(int threads) {
  std::vector<double> peaks(threads);
  ParallelFor(threads, threads,
              [&](int, int i) { peaks[i] = MeasurePeakGflops(); });
  return std::accumulate(peaks.begin(), peaks.end(), 0.0);
}

struct BenchResult {
  double train_us = 0, infer_us = 0, gflops = 0, peak_gflops = 0;
  int threads = 1;  // that the step keeps busy
  bool fused = false;
};

absl::StatusOr<BenchResult> Bench(const VerbContext& context, int64_t batch,
                                  OptimizerKind kind, int threads) {
  const Manifest& manifest = context.manifest;
  absl::StatusOr<std::unique_ptr<Model>> model = Model::Create(context.bundle);
  if (!model.ok()) return model.status();
  (*model)->Initialize(1);
  if (absl::Status status = (*model)->SetThreads(threads); !status.ok())
    return status;
  absl::StatusOr<Optimizer> optimizer = Optimizer::Create(**model, kind);
  if (!optimizer.ok()) return optimizer.status();

  const Dataset data = MakeRandomDataset(manifest, batch, 1);
  absl::StatusOr<DataBinding> binding = DataBinding::Create(manifest, data);
  if (!binding.ok()) return binding.status();
  std::vector<int32_t> rows(batch);
  std::iota(rows.begin(), rows.end(), 0);

  // A learning rate of 0 does all the work and keeps the weights where they
  // are: random labels would sooner or later drive them to infinity.
  const HyperParameters hyper = {
      .learning_rate = 0,
      .momentum = manifest.defaults.momentum,
      .weight_decay = manifest.defaults.weight_decay};
  BenchResult result;
  result.fused = optimizer->IsFused(batch);
  // Before and after, since clocks and neighbours change.
  result.threads = (*model)->ThreadsForStep(batch);
  result.peak_gflops = PeakGflopsOf(result.threads);
  Totals totals;
  absl::StatusOr<double> train = MedianMicroseconds(
      [&] { return optimizer->Step(*binding, rows, hyper, totals); });
  if (!train.ok()) return train.status();
  std::vector<std::vector<float>> outputs;
  absl::StatusOr<double> infer = MedianMicroseconds(
      [&] { return (*model)->Infer(*binding, rows, outputs); });
  if (!infer.ok()) return infer.status();
  result.peak_gflops =
      std::max(result.peak_gflops, PeakGflopsOf(result.threads));
  result.train_us = *train;
  result.infer_us = *infer;
  result.gflops = static_cast<double>(manifest.flops.useful_step()) *
                  static_cast<double>(batch) / *train * 1e-3;
  return result;
}

}  // namespace

absl::Status RunBench(const VerbContext& context) {
  int64_t batch = context.manifest.defaults.batch, threads = 1;
  std::string optimizer = context.manifest.defaults.optimizer;
  bool json = false;
  FlagSet flags;
  flags.Add("batch", &batch, "N", "samples a step");
  flags.Add("optimizer", &optimizer, "NAME", OptimizerNames());
  AddThreadsFlag(flags, threads);
  flags.Add("json", &json, "", "one JSON object instead of a table");
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  absl::Status status = CheckAtLeast("batch", batch, 1);
  if (batch > kMostSamples) {
    status = absl::InvalidArgumentError(
        absl::StrCat("--batch=", batch, " is more than ", kMostSamples));
  }
  if (!status.ok()) return status;
  absl::StatusOr<int> thread_count = ThreadCount(threads);
  if (!thread_count.ok()) return thread_count.status();
  absl::StatusOr<OptimizerKind> kind = ParseOptimizer(optimizer);
  if (!kind.ok()) return kind.status();

  absl::StatusOr<BenchResult> result =
      Bench(context, batch, *kind, *thread_count);
  if (!result.ok()) return result.status();
  const double share = result->gflops / result->peak_gflops;
  if (json) {
    const Json object = {{"train_us", result->train_us},
                         {"infer_us", result->infer_us},
                         {"batch", batch},
                         {"threads", result->threads},
                         {"gflops", result->gflops},
                         {"peak_gflops", result->peak_gflops},
                         {"share_of_peak", share}};
    std::puts(DumpJson(object).c_str());
    return absl::OkStatus();
  }
  absl::PrintF(
      "%s, batch %d, %s (%s), %d %s\n"
      "training step  %10.1f us  %8.2f us a sample\n"
      "inference      %10.1f us  %8.2f us a sample\n"
      "training step  %10.1f GFLOP/s useful, %.1f %% of the measured peak of "
      "%.1f\n",
      context.manifest.model, batch, optimizer,
      result->fused ? "fused step" : "gradient, then update", result->threads,
      result->threads == 1 ? "thread" : "threads", result->train_us,
      result->train_us / static_cast<double>(batch), result->infer_us,
      result->infer_us / static_cast<double>(batch), result->gflops,
      100 * share, result->peak_gflops);
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
