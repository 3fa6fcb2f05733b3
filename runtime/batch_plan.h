// How a batch is cut into blocks and its blocks dealt to gradient slots.
//
// Pipelines are compiled for a few block sizes; a batch of any size is a
// sequence of blocks, of which the last may leave lanes unused (their weight is
// 0). The plan is a function of the batch size, the available blocks and the
// parameter arena's size ALONE, never of the number of threads: with the order
// in which slots are summed also fixed, training gives the same bits however
// many threads run it.

#ifndef KILN_RUNTIME_BATCH_PLAN_H_
#define KILN_RUNTIME_BATCH_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

struct PlannedBlock {
  int pipeline = 0;   // position in the list of available blocks
  int64_t first = 0;  // its first sample's position in the batch
  int64_t count = 0;  // samples; block - count lanes have weight 0
  int slot = 0;       // the gradient slot it adds to
};

struct BatchPlan {
  std::vector<PlannedBlock> blocks;
  int slots = 1;
};

// Blocks in flight at most: enough for 16 threads, few enough that clearing and
// summing the slots stays below 1 % of the work (lenet5: 2 x 0.25 MB of traffic
// a slot against 1.6 ms of arithmetic for a block of 64).
inline constexpr int kMaxGradientSlots = 16;
// All slots together; models too large for two slots have one.
inline constexpr int64_t kMaxGradientBytes = int64_t{256} << 20;

// The cost of one call with `block` lanes, in tenths of a sample of a wide
// block (whole numbers: the same plan with every compiler). A call's time grows
// with its lanes and has a part that does not: it touches the whole gradient
// arena, clears and reduces accumulators; and lanes below a vector's width are
// idle. Measured on one AVX-512 core, a step of block 1, 8, 16, 64 took
//   lenet5     52  108  182  695 us = 4.8  9.9  16.8  64 samples of 10.9 us
//   mnist_cnn  16   32   53  207 us = 4.8  9.7  16.4  64 samples of 3.23 us
// and the formula says               4.8  9.3  17.3  65.
int64_t BlockCost(int64_t block);

// The cheapest plan for `batch` samples. `available` holds the compiled block
// sizes, in any order; ties go to fewer, larger blocks.
// REQUIRES: batch >= 1; available is not empty and positive.
BatchPlan PlanBatch(int64_t batch, absl::Span<const int64_t> available,
                    int64_t arena_floats);

// The plan of one block for the whole batch, the smallest that holds it; of
// none when all are smaller.
BatchPlan PlanWholeBatch(int64_t batch, absl::Span<const int64_t> available);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_BATCH_PLAN_H_
