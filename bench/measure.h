// One benchmark's loop and what it reports.
#ifndef KILN_BENCH_MEASURE_H_
#define KILN_BENCH_MEASURE_H_

#include <benchmark/benchmark.h>

#include <string>

#include "absl/status/status.h"
#include "bench/memory.h"

namespace kiln {

// What one iteration does.
struct Work {
  double samples = 0;
  double flops = 0;  // useful
  Traffic traffic;
  int threads = 1;
};

// Runs `call`, which returns a Status, and reports as counters, each a plain
// number: samples, flops, bytes, working_set and cores of an iteration; peak,
// GFLOP/s, level, the position of the memory level that the working set lives
// in, and bandwidth, GB/s: of as many cores, measured just before.
template <typename Call>
void Measure(benchmark::State& state, const Work& work, const Call& call) {
  static const std::vector<MemoryLevel> levels = MemoryLevels();
  const int level = LevelOf(levels, work.traffic.working_set);
  const double bandwidth = MeasureBandwidth(levels, level, work.threads);
  const double peak = MeasurePeak(work.threads);
  // Twice outside of the clock: what is planned and allocated once, is then.
  for (int warm_up = 0; warm_up < 2; ++warm_up) {
    const absl::Status status = call();
    if (status.ok()) continue;
    state.SkipWithError(std::string(status.message()).c_str());
    return;
  }
  for (auto _ : state) {
    const absl::Status status = call();
    if (!status.ok()) {
      state.SkipWithError(std::string(status.message()).c_str());
      break;
    }
  }
  state.counters["samples"] = work.samples;
  state.counters["flops"] = work.flops;
  state.counters["bytes"] = static_cast<double>(work.traffic.bytes);
  state.counters["working_set"] = static_cast<double>(work.traffic.working_set);
  state.counters["cores"] = work.threads;
  state.counters["peak"] = peak;
  state.counters["level"] = level;
  state.counters["bandwidth"] = bandwidth;
}

}  // namespace kiln

#endif  // KILN_BENCH_MEASURE_H_
