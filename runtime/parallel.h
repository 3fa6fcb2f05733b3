// The threads that blocks and updates run on: Halide's own runtime pool, which
// every emitted pipeline of the process shares.

#ifndef KILN_RUNTIME_PARALLEL_H_
#define KILN_RUNTIME_PARALLEL_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

// More than a batch has blocks for, by far.
inline constexpr int kMaxThreads = 64;

// The cores that this process may run on (sched_getaffinity); at least 1.
int AvailableCores();

// The value of --threads as a number of threads: 0 is AvailableCores.
// InvalidArgument, naming the flag, for less or for more than kMaxThreads.
absl::StatusOr<int> ThreadCount(int64_t flag);

// Gives the pool this many threads, the caller's included, and starts them, so
// that ParallelFor makes no heap call. The last call counts, whoever makes it;
// results never depend on it.
void SetPoolThreads(int threads);

// Tasks that may run at the same time.
struct Phase {
  int count;    // tasks
  int workers;  // at most so many threads, the caller's included
  // `i` in [0, count), once each. Calls with the same worker, in [0, workers),
  // never overlap.
  absl::FunctionRef<void(int worker, int i)> task;
};

// At most so many phases together.
inline constexpr int kMaxPhases = 4;

// Runs phases, one after the other, and returns when all are done. Each worker
// begins with a part of a phase's tasks that is the same every time, while
// their data may still be in its core's cache, and then helps the others. A
// task sees what the caller and the phases before have written.
//
// One round trip of the pool for all of them: between phases threads spin. Were
// each a call of the pool, threads that are done before the others would fall
// asleep, and waking them takes 15 us (batch_plan.h).
void ParallelPhases(absl::Span<const Phase> phases);

// The one phase of these.
inline void ParallelFor(int workers, int count,
                        absl::FunctionRef<void(int worker, int i)> task) {
  ParallelPhases({{count, workers, task}});
}

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PARALLEL_H_
