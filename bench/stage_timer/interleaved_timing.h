// Times several emissions of one pipeline side by side, so that whatever else
// the machine does meets all of them alike.
#ifndef KILN_BENCH_STAGE_TIMER_INTERLEAVED_TIMING_H_
#define KILN_BENCH_STAGE_TIMER_INTERLEAVED_TIMING_H_

#include <vector>

#include "bench/stage_timer/emitted_pipeline.h"

namespace kiln {

// Of one emission, microseconds a call in each round.
struct Rounds {
  std::vector<double> call;
  std::vector<std::vector<double>> stages;  // as EmittedPipeline::stages
};

// Calls the emissions in turn for `seconds` and at least 16 rounds; in a round
// each is called several times in a row, and its medians count.
std::vector<Rounds> TimeInterleaved(
    const std::vector<EmittedPipeline>& pipelines, SharedArguments& arguments,
    double seconds);

}  // namespace kiln

#endif  // KILN_BENCH_STAGE_TIMER_INTERLEAVED_TIMING_H_
