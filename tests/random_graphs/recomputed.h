// Recomputation on the emitted code of random models: the same bits.
#ifndef KILN_TESTS_RANDOM_GRAPHS_RECOMPUTED_H_
#define KILN_TESTS_RANDOM_GRAPHS_RECOMPUTED_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace kiln {

struct RecomputedCounts {
  int64_t pipelines = 0;  // that compute values again
  int64_t numbers = 0;    // compared bit by bit
};

// Loss, metrics, gradients and next state of the random model of `seed`, at
// this block, do not change by a bit when the backward pass computes values
// again: all of them, every other one, what the tightest budget drops, and some
// drawn by the seed. Names every set that changes something, and what. The
// schedules are those for `scheduled_for`, a Halide target, or this machine's.
// Adds to `counts`.
absl::Status CheckRecomputed(uint64_t seed, int block,
                             const std::string& scheduled_for,
                             RecomputedCounts* counts);

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_RECOMPUTED_H_
