#include "runtime/batch_plan.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"

namespace kiln {
namespace {

// Too little to share out, and enough.
constexpr BatchWork kSmall = {.arena_floats = 1024, .flops = 100};
constexpr BatchWork kLenet5 = {.arena_floats = 61760, .flops = 2263920};
constexpr BatchWork kMnistCnn = {.arena_floats = 18752, .flops = 643584};

std::vector<int64_t> Blocks(const BatchPlan& plan,
                            const std::vector<int64_t>& available) {
  std::vector<int64_t> blocks;
  for (const PlannedBlock& b : plan.blocks) {
    blocks.push_back(available[b.pipeline]);
  }
  return blocks;
}

TEST(BatchPlanTest, CoversEverySampleOnceAndPadsOnlyTheLastBlock) {
  const std::vector<std::vector<int64_t>> sets = {
      {1}, {8}, {64}, {1, 8, 16, 64}, {64, 1, 8}, {3, 5}};
  for (const std::vector<int64_t>& available : sets) {
    for (int64_t batch = 1; batch <= 300; ++batch) {
      const BatchPlan plan =
          PlanBatch(batch, available, batch % 2 == 0 ? kSmall : kLenet5);
      int64_t next = 0;
      for (size_t b = 0; b < plan.blocks.size(); ++b) {
        const PlannedBlock& block = plan.blocks[b];
        EXPECT_EQ(block.first, next);
        if (b > 0) {
          EXPECT_LE(available[block.pipeline],
                    available[plan.blocks[b - 1].pipeline]);
        }
        EXPECT_GE(block.count, 1);
        if (b + 1 < plan.blocks.size()) {
          EXPECT_EQ(block.count, available[block.pipeline]);
        } else {
          EXPECT_LE(block.count, available[block.pipeline]);
        }
        EXPECT_EQ(block.slot, static_cast<int>(b) % plan.slots);
        next += block.count;
      }
      EXPECT_EQ(next, batch);
    }
  }
}

// The least cost by trying every sequence of blocks.
int64_t CheapestByForce(int64_t batch, const std::vector<int64_t>& available) {
  if (batch <= 0) return 0;
  int64_t cheapest = std::numeric_limits<int64_t>::max();
  for (int64_t block : available) {
    cheapest = std::min(
        cheapest, BlockCost(block) + CheapestByForce(batch - block, available));
  }
  return cheapest;
}

TEST(BatchPlanTest, IsTheCheapest) {
  const std::vector<int64_t> available = {3, 8, 16};
  for (int64_t batch = 1; batch <= 40; ++batch) {
    int64_t cost = 0;
    for (int64_t block :
         Blocks(PlanBatch(batch, available, kSmall), available)) {
      cost += BlockCost(block);
    }
    EXPECT_EQ(cost, CheapestByForce(batch, available)) << batch;
  }
}

TEST(BatchPlanTest, UsualBatches) {
  const std::vector<int64_t> available = {1, 8, 16, 64};
  const auto plan = [&](int64_t batch) {
    return Blocks(PlanBatch(batch, available, kSmall), available);
  };
  using List = std::vector<int64_t>;
  EXPECT_EQ(plan(64), List({64}));
  EXPECT_EQ(plan(16), List({16}));
  EXPECT_EQ(plan(8), List({8}));
  EXPECT_EQ(plan(128), List({64, 64}));
  EXPECT_EQ(plan(63), List({64}));
  EXPECT_EQ(plan(5), List({8}));
  EXPECT_EQ(plan(96), List({64, 16, 16}));  // MNIST's last batch of 128
  EXPECT_EQ(plan(1), List({1}));
}

TEST(BatchPlanTest, DependsNotOnTheOrderOfBlocks) {
  const std::vector<int64_t> up = {1, 8, 16, 64}, down = {64, 16, 8, 1};
  for (int64_t batch : {1, 7, 31, 100, 250}) {
    EXPECT_EQ(Blocks(PlanBatch(batch, up, kSmall), up),
              Blocks(PlanBatch(batch, down, kSmall), down));
  }
}

TEST(BatchPlanTest, AWholeBatchIsTheSmallestBlockThatHoldsIt) {
  const std::vector<int64_t> available = {64, 8, 16, 1};
  const auto plan = [&](int64_t batch) {
    return Blocks(PlanWholeBatch(batch, available), available);
  };
  using List = std::vector<int64_t>;
  EXPECT_EQ(plan(1), List({1}));
  EXPECT_EQ(plan(9), List({16}));
  EXPECT_EQ(plan(16), List({16}));
  EXPECT_EQ(plan(17), List({64}));
  EXPECT_EQ(plan(65), List());
}

// Equal blocks for two threads and for four, where one thread hardly loses.
TEST(BatchPlanTest, LargeBatchesAreSharedOut) {
  const std::vector<int64_t> available = {1, 8, 16, 32, 64};
  using List = std::vector<int64_t>;
  for (const BatchWork& work : {kLenet5, kMnistCnn}) {
    const auto plan = [&](int64_t batch) {
      return Blocks(PlanBatch(batch, available, work), available);
    };
    EXPECT_EQ(plan(8), List({8}));
    EXPECT_EQ(plan(64), List({32, 32}));
    EXPECT_EQ(plan(256), List({64, 64, 64, 64}));
  }
  // Three slots of lenet5 would cost more than 2 %.
  EXPECT_EQ(Blocks(PlanBatch(128, available, kLenet5), available),
            List({64, 64}));
  EXPECT_EQ(Blocks(PlanBatch(128, available, kMnistCnn), available),
            List({32, 32, 32, 32}));
  EXPECT_EQ(Blocks(PlanBatch(64, available, kSmall), available), List({64}));
}

TEST(BatchPlanTest, SharingCostsOneThreadLittle) {
  const std::vector<int64_t> available = {1, 8, 16, 32, 64};
  for (int64_t batch = 1; batch <= 1024; ++batch) {
    int64_t cheapest = 0, cost = 0;
    for (int64_t block : Blocks(PlanBatch(batch, available, kSmall), available))
      cheapest += BlockCost(block);
    const BatchPlan plan = PlanBatch(batch, available, kLenet5);
    for (int64_t block : Blocks(plan, available)) cost += BlockCost(block);
    if (plan.slots > 1) cost += plan.slots * SlotCost(kLenet5);
    // 3 % over the cheapest of those in slots, whose slots may cost 2 % more.
    EXPECT_LE(cost, cheapest * 1.03 * 1.02 + 2 * SlotCost(kLenet5)) << batch;
  }
}

TEST(BatchPlanTest, SlotsAreBoundedByBlocksNumberCostAndMemory) {
  const std::vector<int64_t> available = {64};
  const auto slots = [&](int64_t batch, int64_t arena_floats, int64_t flops) {
    return PlanBatch(batch, available, {arena_floats, flops}).slots;
  };
  constexpr int64_t kMany = 1'000'000'000;
  EXPECT_EQ(slots(64, 1000, kMany), 1);
  EXPECT_EQ(slots(256, 1000, kMany), 4);
  EXPECT_EQ(slots(6400, 1000, kMany), kMaxGradientSlots);
  EXPECT_EQ(slots(6336, kMaxGradientBytes / 4 / 3, kMany), 3);
  EXPECT_EQ(slots(6400, int64_t{1} << 40, kMany), 1);
  EXPECT_EQ(slots(6400, 100, 10), 1) << "too little work";
  // A slot as dear as 14 samples: 2 % of 6,464 are 129, and two are the least.
  EXPECT_EQ(slots(6464, 500'000, 1'000'000), 9);
  EXPECT_EQ(slots(640, 500'000, 1'000'000), 2);
}

TEST(BatchPlanTest, SlotsShareBlocksOutEvenly) {
  const std::vector<int64_t> available = {16};
  EXPECT_EQ(PlanBatch(256, available, kLenet5).slots, 4) << "not 7";
  EXPECT_EQ(PlanBatch(256, available, kMnistCnn).slots, 8) << "not 10";
  // 15 blocks: of 3 each, 5 slots would keep four threads busy for 6.
  EXPECT_EQ(PlanBatch(240, available, kLenet5).slots, 7);
}

}  // namespace
}  // namespace kiln
