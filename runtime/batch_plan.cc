#include "runtime/batch_plan.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace kiln {
inline namespace runtime {

namespace {

// Of arenas that stay in the second cache beside a block's activations, and of
// larger ones.
constexpr int64_t kSmallArena = (128 << 10) / sizeof(float);
constexpr int64_t kFlopsPerFloatOfSmallArena = 20;
constexpr int64_t kFlopsPerFloatOfLargeArena = 28;
constexpr int64_t kPercentLostToOneThread = 3;
constexpr int64_t kPercentLostToSlots = 2;

// The cheapest sequence of blocks of at most `largest` lanes, in one slot.
BatchPlan CheapestPlan(int64_t batch, absl::Span<const int64_t> available,
                       int64_t largest) {
  // Larger blocks are tried first, and win ties.
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(available.size()); ++i) {
    if (available[i] <= largest) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return available[a] > available[b]; });

  // cheapest[n]: the least cost of n samples; choice[n]: a block of that plan.
  std::vector<int64_t> cheapest(batch + 1, std::numeric_limits<int64_t>::max());
  std::vector<int> choice(batch + 1, 0);
  cheapest[0] = 0;
  for (int64_t n = 1; n <= batch; ++n) {
    for (int i : order) {
      const int64_t rest = std::max<int64_t>(n - available[i], 0);
      const int64_t cost = BlockCost(available[i]) + cheapest[rest];
      if (cost < cheapest[n]) {
        cheapest[n] = cost;
        choice[n] = i;
      }
    }
  }
  // The largest block of a cheapest plan is the first choice, and so on down.
  // The plan has fewer idle lanes than its smallest block, without which it
  // would be cheaper: they are all in the last.
  BatchPlan plan;
  for (int64_t left = batch; left > 0;) {
    const int64_t count = std::min(left, available[choice[left]]);
    plan.blocks.push_back(
        {.pipeline = choice[left], .first = batch - left, .count = count});
    left -= count;
  }
  return plan;
}

// The cost of each slot, its blocks and its own.
std::vector<int64_t> SlotCosts(const BatchPlan& plan,
                               absl::Span<const int64_t> available,
                               int64_t slot_cost) {
  std::vector<int64_t> costs(plan.slots, plan.slots > 1 ? slot_cost : 0);
  for (const PlannedBlock& block : plan.blocks)
    costs[block.slot] += BlockCost(available[block.pipeline]);
  return costs;
}

// How many slots are worth their cost, and the next smaller number that divides
// the blocks evenly.
std::vector<int64_t> SlotCounts(absl::Span<const int64_t> available,
                                const BatchWork& work, const BatchPlan& plan) {
  const int64_t total = SlotCosts(plan, available, 0)[0];
  const int64_t worth_it = std::max<int64_t>(
      total * kPercentLostToSlots / 100 / std::max<int64_t>(SlotCost(work), 1),
      2);
  const int64_t bytes = std::max<int64_t>(work.arena_floats, 1) * sizeof(float);
  const int64_t affordable = std::max<int64_t>(kMaxGradientBytes / bytes, 1);
  const auto blocks = static_cast<int64_t>(plan.blocks.size());
  const int64_t most = std::min<int64_t>(
      {blocks, worth_it, affordable, int64_t{kMaxGradientSlots}});
  int64_t even = most;
  while (blocks % even != 0) --even;
  if (even == most) return {most};
  return {most, even};
}

void DealToSlots(int64_t slots, BatchPlan& plan) {
  plan.slots = static_cast<int>(slots);
  for (size_t b = 0; b < plan.blocks.size(); ++b) {
    plan.blocks[b].slot = static_cast<int>(b % plan.slots);
  }
}

// When the last of so many threads is done, each taking the next slot when it
// has finished one.
int64_t FinishTime(absl::Span<const int64_t> slot_costs, int threads) {
  std::vector<int64_t> busy(threads, 0);
  for (int64_t cost : slot_costs)
    *std::min_element(busy.begin(), busy.end()) += cost;
  return *std::max_element(busy.begin(), busy.end());
}

}  // namespace

int64_t BlockCost(int64_t block) {
  if (block == 1) return 24;
  return block < 8 ? 42 + 6 * block : 10 * block + 104 / block;
}

int64_t SlotCost(const BatchWork& work) {
  const int64_t flops_of_a_float = work.arena_floats <= kSmallArena
                                       ? kFlopsPerFloatOfSmallArena
                                       : kFlopsPerFloatOfLargeArena;
  return 10 * flops_of_a_float * work.arena_floats /
         std::max<int64_t>(work.flops, 1);
}

BatchPlan PlanBatch(int64_t batch, absl::Span<const int64_t> available,
                    const BatchWork& work) {
  std::vector<int64_t> sizes(available.begin(), available.end());
  std::sort(sizes.rbegin(), sizes.rend());
  if (work.flops * batch < kParallelFlops)
    return CheapestPlan(batch, available, sizes[0]);

  struct Candidate {
    BatchPlan plan;
    int64_t alone, shared;  // time of one thread; of two and four
  };
  std::vector<Candidate> candidates;
  for (int64_t largest : sizes) {
    BatchPlan plan = CheapestPlan(batch, available, largest);
    for (int64_t slots : SlotCounts(available, work, plan)) {
      DealToSlots(slots, plan);
      const auto costs = SlotCosts(plan, available, SlotCost(work));
      candidates.push_back(
          {.plan = plan,
           .alone = FinishTime(costs, 1),
           .shared = FinishTime(costs, 2) + FinishTime(costs, 4)});
    }
  }
  const int64_t least =
      std::min_element(candidates.begin(), candidates.end(),
                       [](const Candidate& a, const Candidate& b) {
                         return a.alone < b.alone;
                       })
          ->alone;
  const Candidate* best = nullptr;  // ties: the larger blocks, which are first
  for (const Candidate& c : candidates) {
    if (c.alone * 100 > least * (100 + kPercentLostToOneThread)) continue;
    if (best == nullptr || c.shared < best->shared) best = &c;
  }
  return best->plan;
}

BatchPlan PlanWholeBatch(int64_t batch, absl::Span<const int64_t> available) {
  int best = -1;
  for (int i = 0; i < static_cast<int>(available.size()); ++i) {
    if (available[i] < batch) continue;
    if (best < 0 || available[i] < available[best]) best = i;
  }
  if (best < 0) return {};
  return {.blocks = {{.pipeline = best, .first = 0, .count = batch}}};
}

}  // namespace runtime
}  // namespace kiln
