#ifndef KILN_BENCH_MODEL_BENCHMARKS_H_
#define KILN_BENCH_MODEL_BENCHMARKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/bundle.h"

namespace kiln {

// A model as built with one schedule.
struct BenchmarkedModel {
  const char* schedule;  // "fast", "naive", ...
  const Bundle& (*bundle)();
};

// Whole operations, as a user of the runtime calls them. Registers with Google
// Benchmark, for a model under `name`:
//   <name>/step/batch:<B>/threads:<T>    a training step with momentum, update
//                                        included
//   <name>/infer/batch:<B>/threads:<T>   inference of a batch
// Counters: bench/measure.h. Ends the process with a message when the bundle
// cannot be loaded.
void RegisterWholeStep(const char* name, const Bundle& bundle, int64_t batch,
                       int threads);
void RegisterInference(const char* name, const Bundle& bundle, int64_t batch,
                       int threads);

// Single pipelines, one block a call, of one schedule:
//   <name>/<kind>_b<block>/<schedule>
// where Kiln's own schedule is "tuned" in a bundle with tiles from a schedule
// record, else "fast". Each is first compared with `naive`, the same model's
// naive pipelines (bench/agreement.h); one that disagrees, or that its
// autoscheduler has not scheduled, is an error that says so.
void RegisterPipelines(const char* name, const Bundle& bundle,
                       const Bundle& naive);

}  // namespace kiln

#endif  // KILN_BENCH_MODEL_BENCHMARKS_H_
