// Times several emissions of one pipeline side by side, so that whatever else
// the machine does meets all of them alike.
#ifndef KILN_BENCH_STAGE_TIMER_INTERLEAVED_TIMING_H_
#define KILN_BENCH_STAGE_TIMER_INTERLEAVED_TIMING_H_

#include <vector>

#include "bench/stage_timer/emitted_pipeline.h"

namespace kiln {

// Of one quantity: a whole call or a stage.
struct Timing {
  double us = 0;  // a call, lower quartile over the rounds
  // Of the first emission's time in the same round: the median over the rounds,
  // and in how many it was below 1.
  double ratio = 1;
  int wins = 0;
};

struct PipelineTiming {
  Timing call;
  std::vector<Timing> stages;  // as EmittedPipeline::stages
};

// Calls the emissions in turn for `seconds` and at least 16 rounds; in a round
// each is called several times in a row, and its median counts. Emissions with
// stages must all have the same.
struct InterleavedTiming {
  int rounds = 0;
  std::vector<PipelineTiming> pipelines;
};
InterleavedTiming TimeInterleaved(const std::vector<EmittedPipeline>& pipelines,
                                  SharedArguments& arguments, double seconds);

}  // namespace kiln

#endif  // KILN_BENCH_STAGE_TIMER_INTERLEAVED_TIMING_H_
