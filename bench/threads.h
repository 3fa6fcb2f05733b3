// How many threads a model's steps use.
#ifndef KILN_BENCH_THREADS_H_
#define KILN_BENCH_THREADS_H_

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "runtime/model.h"

namespace kiln {

// Whether this runtime's models can be told.
template <typename AnyModel>
inline constexpr bool kTakesThreads = requires(AnyModel& model) {
  model.SetThreads(2);
};

// Whether steps can be measured on that many threads: a core each.
inline bool CanUseThreads(int threads) {
  return threads == 1 ||
         (kTakesThreads<Model> &&
          threads <= static_cast<int>(std::thread::hardware_concurrency()));
}

// REQUIRES: CanUseThreads(threads).
template <typename AnyModel>
void UseThreads(AnyModel& model, int threads) {
  if constexpr (kTakesThreads<AnyModel>) {
    const absl::Status status = model.SetThreads(threads);
    if (status.ok()) return;
    std::fprintf(stderr, "kiln_bench: %s\n",
                 std::string(status.message()).c_str());
    std::exit(1);
  }
}

}  // namespace kiln

#endif  // KILN_BENCH_THREADS_H_
