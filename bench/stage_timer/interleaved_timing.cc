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

double Quantile(std::vector<double> values, double share) {
  const auto at =
      values.begin() + static_cast<int64_t>(share * (values.size() - 1));
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

Timing Summarise(const std::vector<double>& own,
                 const std::vector<double>& first, double ticks_per_us) {
  std::vector<double> ratios;
  Timing timing;
  for (size_t round = 0; round < own.size(); ++round) {
    ratios.push_back(first[round] > 0 ? own[round] / first[round] : 1);
    if (ratios.back() < 1) ++timing.wins;
  }
  timing.us = Quantile(own, 0.25) / ticks_per_us;
  timing.ratio = Quantile(ratios, 0.5);
  return timing;
}

}  // namespace

extern "C" int kiln_profile_mark(int stage) {
  if (mark_count < static_cast<int>(std::size(marks)))
    marks[mark_count++] = {stage, Ticks()};
  return 0;
}

InterleavedTiming TimeInterleaved(const std::vector<EmittedPipeline>& pipelines,
                                  SharedArguments& arguments, double seconds) {
  const double ticks_per_us = TicksPerSecond() * 1e-6;
  const size_t quantities = pipelines.front().stages.size() + 1;
  Samples none(quantities);
  // By emission, the rounds' medians.
  std::vector<Samples> rounds(pipelines.size(), none);
  int calls = kMinCalls;
  InterleavedTiming result;
  for (const double start = Now();
       Now() < start + seconds || result.rounds < kMinRounds; ++result.rounds) {
    for (size_t p = 0; p < pipelines.size(); ++p) {
      Samples samples = none;
      pipelines[p].function(arguments.argv());  // its code and data at hand
      const double begin = Now();
      for (int call = 0; call < calls; ++call)
        Measure(pipelines[p], arguments.argv(), samples);
      const double one = (Now() - begin) / calls;
      calls = std::clamp(static_cast<int>(kRoundSeconds / one), kMinCalls,
                         kMaxCalls);
      for (size_t q = 0; q < quantities; ++q)
        rounds[p][q].push_back(Quantile(std::move(samples[q]), 0.5));
    }
  }
  for (const Samples& own : rounds) {
    PipelineTiming timing;
    timing.call = Summarise(own[0], rounds[0][0], ticks_per_us);
    for (size_t q = 1; q < quantities; ++q)
      timing.stages.push_back(Summarise(own[q], rounds[0][q], ticks_per_us));
    result.pipelines.push_back(std::move(timing));
  }
  return result;
}

}  // namespace kiln
