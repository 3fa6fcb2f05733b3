#include "dsl/ops/max_pool.h"

#include <memory>

#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

TEST(MaxPoolTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("max_pool", Schedule::kFast);
}
TEST(MaxPoolTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("max_pool", Schedule::kNaive);
}

// At ties the first maximum in row-major order takes all, in every lane.
TEST(MaxPoolTest, TiesGoToTheFirstMaximum) {
  GraphMaker maker;
  const NodeId pool = maker.Add(std::make_shared<MaxPoolOp>(PoolGeometry{}),
                                {maker.Trained("x", {1, 4, 4})});
  maker.ProjectToLoss(pool, "y");
  const auto training = BuildTrainingGraph(maker.graph());
  ASSERT_TRUE(training.ok()) << training.status();
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    for (const int block : {1, 8, 16}) {
      const auto pipeline =
          RunJit(*training, {PipelineKind::kGrad, block, schedule, ""},
                 {.batch = 2,
                  .tensors = {{"x_x", {1, 1}},
                              {"x",
                               {0, 0, 2, 3,    //
                                0, 0, 3, 1,    //
                                7, 5, -4, -3,  //
                                7, 7, -3, -3}},
                              {"y", {1, 2, 3, 4, 1, 2, 3, 4}}}});
      ASSERT_TRUE(pipeline.ok()) << pipeline.status();
      EXPECT_EQ(pipeline->gradients.at("x"),
                (std::vector<double>{2, 0, 0, 4,  //
                                     0, 0, 0, 0,  //
                                     6, 0, 0, 8,  //
                                     0, 0, 0, 0}))
          << "block " << block;
    }
  }
}

}  // namespace
}  // namespace kiln
