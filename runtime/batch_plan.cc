#include "runtime/batch_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace kiln {
inline namespace runtime {

namespace {

int SlotCount(int64_t blocks, int64_t arena_floats) {
  const int64_t bytes = std::max<int64_t>(arena_floats, 1) * sizeof(float);
  const int64_t affordable =
      std::clamp<int64_t>(kMaxGradientBytes / bytes, 1, kMaxGradientSlots);
  return static_cast<int>(std::min(blocks, affordable));
}

}  // namespace

int64_t BlockCost(int64_t block) {
  return block < 8 ? 42 + 6 * block : 13 + 10 * block;
}

BatchPlan PlanBatch(int64_t batch, absl::Span<const int64_t> available,
                    int64_t arena_floats) {
  // Larger blocks are tried first, and win ties.
  std::vector<int> order(available.size());
  std::iota(order.begin(), order.end(), 0);
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
  plan.slots = SlotCount(plan.blocks.size(), arena_floats);
  for (size_t b = 0; b < plan.blocks.size(); ++b) {
    plan.blocks[b].slot = static_cast<int>(b % plan.slots);
  }
  return plan;
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
