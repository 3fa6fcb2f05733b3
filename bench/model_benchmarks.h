#ifndef KILN_BENCH_MODEL_BENCHMARKS_H_
#define KILN_BENCH_MODEL_BENCHMARKS_H_

#include "runtime/bundle.h"

namespace kiln {

// Registers with Google Benchmark, for a model under `name`:
//   <name>/train_step/<optimizer>/batch:<B>   a whole step as the trainer makes
//                                   it, with the model file's batch and
//                                   optimizer
//   <name>/<kind>_b<block>          each pipeline by itself, one block a call
// Counters: us/sample; GFLOP/s of useful FLOPs; peak, the FMA peak of this core
// measured just before; share, their ratio.
// Ends the process with a message when the bundle cannot be loaded.
void RegisterModelBenchmarks(const char* name, const Bundle& bundle);

}  // namespace kiln

#endif  // KILN_BENCH_MODEL_BENCHMARKS_H_
