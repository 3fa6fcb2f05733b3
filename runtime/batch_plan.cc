#include "runtime/batch_plan.h"

#include <algorithm>
#include <limits>

namespace kiln {

namespace {

int SlotCount(int64_t blocks, int64_t arena_floats) {
  const int64_t bytes = std::max<int64_t>(arena_floats, 1) * sizeof(float);
  const int64_t affordable =
      std::clamp<int64_t>(kMaxGradientBytes / bytes, 1, kMaxGradientSlots);
  return static_cast<int>(std::min(blocks, affordable));
}

}  // namespace

double BlockCost(int64_t block) {
  const double lanes = static_cast<double>(block);
  return lanes < 8 ? 4.5 + 0.6 * lanes : 1.3 + lanes;
}

BatchPlan PlanBatch(int64_t batch, absl::Span<const int64_t> available,
                    int64_t arena_floats) {
  // cheapest[n]: the least cost of n samples; choice[n]: the block it starts
  // with. Larger blocks are tried first, and win ties.
  std::vector<int> order(available.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return available[a] > available[b]; });

  std::vector<double> cheapest(batch + 1,
                               std::numeric_limits<double>::infinity());
  std::vector<int> choice(batch + 1, 0);
  cheapest[0] = 0;
  for (int64_t n = 1; n <= batch; ++n) {
    for (int i : order) {
      const int64_t rest = std::max<int64_t>(n - available[i], 0);
      const double cost = BlockCost(available[i]) + cheapest[rest];
      if (cost < cheapest[n]) {
        cheapest[n] = cost;
        choice[n] = i;
      }
    }
  }

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

}  // namespace kiln
