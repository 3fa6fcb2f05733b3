// How a batch is cut into blocks and its blocks dealt to gradient slots.
//
// Pipelines are compiled for a few block sizes; a batch of any size is a
// sequence of blocks, of which the last may leave lanes unused (their weight is
// 0). The plan is a function of the batch size, the available blocks and the
// model ALONE, never of the number of threads: with the order in which slots
// are summed also fixed, training gives the same bits however many threads run
// it. So it leaves work for several threads where that costs a single one next
// to nothing, and is the cheapest for one thread elsewhere.

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
  int slot = 0;       // the gradient slot it adds to, or is the first of
};

struct BatchPlan {
  std::vector<PlannedBlock> blocks;
  int slots = 1;
};

// What a model's steps cost.
struct BatchWork {
  int64_t arena_floats = 0;  // the parameters, and so a slot
  int64_t flops = 0;         // useful, of a sample; 0: nothing to share out
};

// Batches of fewer useful FLOPs (manifest.h) stay on one thread. A round trip
// of the pool, measured on a virtual machine of two Zen 5 cores: 0.6 us while
// its threads still spin (they do for some 15 us after their last work), 15 us
// when they sleep, 40 us when their cores do. So 100 us of work are never
// slower on two threads, and those are 20 million FLOPs at the 200 GFLOP/s of
// such a core; on a slower one they only take longer.
inline constexpr int64_t kParallelFlops = 20'000'000;

// Slots at most: enough for 16 threads.
inline constexpr int kMaxGradientSlots = 16;
// All slots together; models too large for two slots have one.
inline constexpr int64_t kMaxGradientBytes = int64_t{256} << 20;

// The cost of one call with `block` lanes, in tenths of a sample of a wide
// block (whole numbers: the same plan with every compiler). A call's time grows
// with its lanes and has a part that does not. Block 1 has schedules of its
// own. Measured on one AVX-512 core, a step of block 1 and the gradients of 8
// and 16 took
//   lenet5     19   94  175 us = 1.7  8.6  16 samples of a block of 16
//   mnist_cnn  8.3  28   50    = 2.7  9.0  16
// and the formula says           2.4  9.3  16.6.
int64_t BlockCost(int64_t block);

// The cost of a slot, in the same unit, where there are several: it may stay in
// no cache with the others, and is summed. Measured 6 to 11 us for lenet5's
// 61,760 floats, 0.1 to 0.18 ns or 20 to 36 FLOPs each, and 1.2 us for
// mnist_cnn's 18,752; a third of it was to clear the slot, which is no longer
// done.
int64_t SlotCost(const BatchWork& work);

// The plan for `batch` samples. `available` holds the compiled block sizes, in
// any order.
//   Below kParallelFlops: the cheapest sequence of blocks, in one slot; ties go
// to fewer, larger blocks.
//   Else: the cheapest sequence with blocks up to each of the available sizes;
// in as many slots as there are blocks, but for kMaxGradientSlots,
// kMaxGradientBytes, and so many that they cost more than 2 % (two are always
// worth it), or in the next smaller number that divides the blocks evenly. Of
// those within 3 % of the cheapest for one thread, the one that two threads and
// four need least time for, together. REQUIRES: batch >= 1; available is not
// empty and positive.
BatchPlan PlanBatch(int64_t batch, absl::Span<const int64_t> available,
                    const BatchWork& work);

// The plan of one block for the whole batch, the smallest that holds it; of
// none when all are smaller.
BatchPlan PlanWholeBatch(int64_t batch, absl::Span<const int64_t> available);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_BATCH_PLAN_H_
