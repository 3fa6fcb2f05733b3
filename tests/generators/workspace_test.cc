#include "generators/workspace.h"

#include <random>
#include <string>

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
    EXPECT_EQ(plan.lower_bound, peak);
    EXPECT_GE(plan.bytes, peak);
    EXPECT_LE(plan.bytes, sum);
  }
}

// Largest first, each at the lowest free offset, takes 14,336 bytes for these:
// the first two leave a hole below the third that the fourth does not fit.
TEST(WorkspaceTest, FindsWhatLargestFirstMisses) {
  const WorkspacePlan plan = PlanWorkspace({{"a", 4096, 0, 17, 26},
                                            {"b", 3072, 0, 26, 33},
                                            {"c", 6144, 0, 29, 36},
                                            {"d", 7168, 0, 17, 21}});
  ExpectValid(plan);
  EXPECT_EQ(plan.lower_bound, 4096 + 7168);
  EXPECT_EQ(plan.bytes, plan.lower_bound);
}

TEST(WorkspaceTest, RandomPlansOfPagesMeetTheirLowerBound) {
  std::mt19937 random(2);
  int met = 0;
  for (int round = 0; round < 1000; ++round) {
    std::vector<PlannedAllocation> allocations(random() % 12 + 3);
    for (PlannedAllocation& a : allocations) {
      a.bytes = (random() % 12 + 1) * 1024;
      a.first = static_cast<int>(random() % 30);
      a.last = a.first + static_cast<int>(random() % 10);
    }
    const WorkspacePlan plan = PlanWorkspace(allocations);
    ExpectValid(plan);
    EXPECT_LE(plan.bytes, plan.lower_bound + plan.lower_bound / 5);
    met += plan.bytes == plan.lower_bound;
  }
  EXPECT_GE(met, 990) << "largest first meets 890";
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
  EXPECT_EQ(pass->plan().lower_bound, kSize * 4);
  EXPECT_TRUE(pass->unplanned().empty());
}

// The plan of a chain of `stages` Funcs of `size` floats, each computed from
// the one before and from its own mirror image.
WorkspacePlan PlanOfChain(int stages, int size) {
  Halide::Var x("x");
  Halide::Func last("first");
  last(x) = Halide::cast<float>(x) * 2;
  for (int i = 0; i < stages; ++i) {
    last.compute_root();
    Halide::Func next("stage" + std::to_string(i));
    next(x) = last(x) + last(size - 1 - x);
    last = next;
  }
  last.bound(x, 0, size);
  auto* pass = new WorkspacePass;  // the pipeline deletes it
  Halide::Pipeline pipeline(last);
  pipeline.add_custom_lowering_pass(pass);
  Halide::Param<void*> workspace("workspace");
  pipeline.compile_to_module({workspace}, "planned").functions();
  return pass->plan();
}

TEST(WorkspaceTest, AFewSmallStagesStayOnTheStack) {
  const WorkspacePlan plan = PlanOfChain(4, 1024);
  EXPECT_EQ(plan.bytes, 0);
  EXPECT_EQ(plan.stack_bytes, 2 * 4096) << "two at a time";
}

// 200 KiB on Halide's own, were none freed; the workspace holds two at a time.
TEST(WorkspaceTest, ManySmallStagesTakeNoMoreStackThanAFew) {
  const WorkspacePlan plan = PlanOfChain(50, 1024);
  EXPECT_LE(plan.stack_bytes, kRootStackBytes);
  EXPECT_EQ(plan.allocations.size(), 50u - kRootStackBytes / 4096);
  EXPECT_EQ(plan.bytes, 2 * 4096);
  EXPECT_EQ(plan.lower_bound, 2 * 4096);
}

// Loads of every second element are made of whole vectors, which may end
// beyond the last element.
TEST(WorkspaceTest, PlansThePaddingThatVectorLoadsReadBeyondTheEnd) {
  constexpr int kSize = 8192;
  Halide::Var x("x");
  Halide::Func stage("stage"), result("result");
  stage(x) = Halide::cast<float>(x) * 2;
  result(x) = stage(2 * x) * 3;
  stage.compute_root();
  result.bound(x, 0, kSize / 2).vectorize(x, 16);
  auto* pass = new WorkspacePass;  // the pipeline deletes it
  Halide::Pipeline pipeline(result);
  pipeline.add_custom_lowering_pass(pass);
  Halide::Param<void*> workspace("workspace");
  pipeline.compile_to_module({workspace}, "planned");
  ASSERT_EQ(pass->plan().allocations.size(), 1u);
  EXPECT_GT(pass->plan().allocations[0].bytes, (kSize - 1) * 4);
}

}  // namespace
}  // namespace kiln
