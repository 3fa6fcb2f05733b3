#include "generators/workspace.h"

#include <random>

#include "gtest/gtest.h"

namespace kiln {
namespace {

bool AliveTogether(const PlannedAllocation& a, const PlannedAllocation& b) {
  return a.first <= b.last && b.first <= a.last;
}

bool Overlap(const PlannedAllocation& a, const PlannedAllocation& b) {
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

// No two that live together overlap, all lie inside, all are aligned.
void ExpectValid(const WorkspacePlan& plan) {
  for (size_t i = 0; i < plan.allocations.size(); ++i) {
    const PlannedAllocation& a = plan.allocations[i];
    EXPECT_EQ(a.offset % kWorkspaceAlignment, 0);
    EXPECT_LE(a.offset + a.bytes, plan.bytes);
    for (size_t j = 0; j < i; ++j) {
      const PlannedAllocation& b = plan.allocations[j];
      EXPECT_FALSE(AliveTogether(a, b) && Overlap(a, b)) << i << " " << j;
    }
  }
}

TEST(WorkspaceTest, ReusesTheBytesOfTheDead) {
  const WorkspacePlan plan = PlanWorkspace(
      {{"a", 1000, 0, 1, 4}, {"b", 1000, 0, 3, 6}, {"c", 1000, 0, 5, 8}});
  ExpectValid(plan);
  EXPECT_EQ(plan.bytes, 2048);
  EXPECT_EQ(plan.allocations[0].offset, plan.allocations[2].offset);
}

TEST(WorkspaceTest, NothingToPlan) { EXPECT_EQ(PlanWorkspace({}).bytes, 0); }

TEST(WorkspaceTest, RandomPlansAreValidAndNeverBelowTheirPeak) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<PlannedAllocation> allocations(random() % 20 + 1);
    for (PlannedAllocation& a : allocations) {
      a.bytes = random() % 5000 + 1;
      a.first = static_cast<int>(random() % 50);
      a.last = a.first + static_cast<int>(random() % 20);
    }
    const WorkspacePlan plan = PlanWorkspace(allocations);
    ExpectValid(plan);
    int64_t sum = 0, peak = 0;
    for (int time = 0; time < 70; ++time) {
      int64_t alive = 0;
      for (const PlannedAllocation& a : allocations) {
        if (a.first <= time && time <= a.last) alive += a.bytes;
      }
      peak = std::max(peak, alive);
    }
    for (const PlannedAllocation& a : allocations) {
      sum += a.bytes + kWorkspaceAlignment;
    }
    EXPECT_GE(plan.bytes, peak);
    EXPECT_LE(plan.bytes, sum);
  }
}

// The pass on a real pipeline: the large intermediate is planned, the result is
// what it was.
TEST(WorkspaceTest, PassMovesHeapAllocationsIntoTheWorkspace) {
  using Halide::Expr;
  constexpr int kSize = 8192;
  Halide::Var x("x");
  Halide::Func stage("stage"), result("result");
  stage(x) = Halide::cast<float>(x) * 2;
  result(x) = stage(x) + stage(kSize - 1 - x);
  stage.compute_root();
  result.bound(x, 0, kSize);

  auto* pass = new WorkspacePass;  // the pipeline deletes it
  Halide::Pipeline pipeline(result);
  pipeline.add_custom_lowering_pass(pass);
  Halide::Param<void*> workspace("workspace");
  const Halide::Module module =
      pipeline.compile_to_module({workspace}, "planned");
  ASSERT_EQ(pass->plan().allocations.size(), 1u);
  EXPECT_EQ(pass->plan().bytes, kSize * 4);
  EXPECT_TRUE(pass->unplanned().empty());
}

}  // namespace
}  // namespace kiln
