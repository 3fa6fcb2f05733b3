// How many threads a model's steps use.
#ifndef KILN_BENCH_THREADS_H_
#define KILN_BENCH_THREADS_H_

#include "runtime/model.h"

namespace kiln {

// Whether the runtime can run a step on that many threads. It has one.
inline bool CanUseThreads(int threads) { return threads == 1; }

// REQUIRES: CanUseThreads(threads).
inline void SetThreads(Model& /*model*/, int /*threads*/) {}

}  // namespace kiln

#endif  // KILN_BENCH_THREADS_H_
