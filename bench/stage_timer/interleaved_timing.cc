#include "bench/stage_timer/interleaved_timing.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kiln {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr int kMinRounds = 16;
constexpr double kRoundSeconds = 1e-3;         // an emission's share of a round
constexpr int kMinCalls = 4, kMaxCalls = 200;  // in a round

double Now() {
  return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Counts fast enough to stand between stages of 50 ns.
uint64_t Ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

double TicksPerSecond() {
  const double start = Now();
  const uint64_t first = Ticks();
  while (Now() - start < 0.02) {
  }
  return static_cast<double>(Ticks() - first) / (Now() - start);
}

// The marks of the call in progress. Marks that do not fit are dropped.
struct Mark {
  int stage;
  uint64_t ticks;
};
Mark marks[4096];
int mark_count = 0;

double Median(std::vector<double> values) {
  const auto at =
      values.begin() + (static_cast<int64_t>(values.size()) - 1) / 2;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Rows of samples: [quantity][sample], the whole call first.
using Samples = std::vector<std::vector<double>>;

// One call; its quantities appended.
void Measure(const EmittedPipeline& pipeline, void** argv, Samples& samples) {
  mark_count = 0;
  const uint64_t start = Ticks();
  pipeline.function(argv);
  const uint64_t end = Ticks();
  samples[0].push_back(static_cast<double>(end - start));
  if (samples.size() == 1) return;
  for (size_t stage = 1; stage < samples.size(); ++stage)
    samples[stage].push_back(0);
  for (int i = 0; i < mark_count; ++i) {
    const uint64_t next = i + 1 < mark_count ? marks[i + 1].ticks : end;
    samples[marks[i].stage + 1].back() +=
        static_cast<double>(next - marks[i].ticks);
  }
}

}  // namespace

extern "C" int kiln_profile_mark(int stage) {
  if (mark_count < static_cast<int>(std::size(marks)))
    marks[mark_count++] = {stage, Ticks()};
  return 0;
}

std::vector<Rounds> TimeInterleaved(
    const std::vector<EmittedPipeline>& pipelines, SharedArguments& arguments,
    double seconds) {
  const double ticks_per_us = TicksPerSecond() * 1e-6;
  std::vector<Rounds> result(pipelines.size());
  for (size_t p = 0; p < pipelines.size(); ++p)
    result[p].stages.resize(pipelines[p].stages.size());
  int calls = kMinCalls, rounds = 0;
  for (const double start = Now();
       Now() < start + seconds || rounds < kMinRounds; ++rounds) {
    for (size_t p = 0; p < pipelines.size(); ++p) {
      Samples samples(pipelines[p].stages.size() + 1);
      pipelines[p].function(arguments.argv());  // its code and data at hand
      const double begin = Now();
      for (int call = 0; call < calls; ++call)
        Measure(pipelines[p], arguments.argv(), samples);
      const double one = (Now() - begin) / calls;
      calls = std::clamp(static_cast<int>(kRoundSeconds / one), kMinCalls,
                         kMaxCalls);
      result[p].call.push_back(Median(std::move(samples[0])) / ticks_per_us);
      for (size_t stage = 0; stage < result[p].stages.size(); ++stage)
        result[p].stages[stage].push_back(
            Median(std::move(samples[stage + 1])) / ticks_per_us);
    }
  }
  return result;
}

}  // namespace kiln
