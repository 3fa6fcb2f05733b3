#include "generators/stage_table.h"

#include "dsl/ops/dense.h"
#include "dsl/passes.h"
#include "generators/arguments.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kBlock = 8;

// fc = w x with w of 3x4; the loss is sum of fc * y, so that the adjoint of fc
// is y times the sample's weight.
class StageTableTest : public testing::Test {
 protected:
  StageTableTest() {
    GraphMaker maker;
    const NodeId x = maker.Input("x", {4});
    const NodeId w = maker.Parameter("w", {3, 4});
    maker.ProjectToLoss(maker.Add(std::make_shared<DenseOp>(), {x, w}, "fc"),
                        "y");
    forward_ = maker.graph();
    training_ = *BuildTrainingGraph(forward_);
  }

  Graph forward_, training_;
};

TEST_F(StageTableTest, FusedStep) {
  const std::vector<Stage> table = StageTable(
      PipelineGraph(training_, PipelineKind::kStep), forward_,
      {.block = kBlock,
       .stages = {"x_gathered", "fc_stored", "fc_transposed", "w_out$1"},
       .parts = {{"x_gathered"},
                 {"fc_stored", "fc"},
                 {"fc_transposed"},
                 {"w_out$1", "fc_d_weight", "w_momentum_out$0"}},
       .outputs = {{"w_out", "parameter_out", "w"},
                   {"w_momentum_out", "state_out", "w"}},
       .allocations = {{"x_gathered", 200}}});
  ASSERT_EQ(table.size(), 4);
  // Bytes of the block's x, fc (as of y), sample weights, and of w.
  const int64_t x = 4 * 4 * kBlock, fc = 4 * 3 * kBlock, weights = 4 * kBlock,
                w = 4 * 3 * 4;

  EXPECT_THAT(table[0].nodes, IsEmpty());
  EXPECT_EQ(table[0].of, "x");
  EXPECT_EQ(table[0].phase, "forward") << "as what it is for";
  EXPECT_EQ(table[0].bytes, x + 200);

  EXPECT_THAT(table[1].nodes, ElementsAre("fc"));
  EXPECT_EQ(table[1].phase, "forward");
  EXPECT_EQ(table[1].useful_flops, 2 * 3 * 4 * kBlock);
  EXPECT_EQ(table[1].bytes, x + w + fc);

  EXPECT_EQ(table[2].name, "fc_transposed");
  EXPECT_EQ(table[2].of, "fc");
  EXPECT_EQ(table[2].phase, "backward+update") << "as what it is for";
  EXPECT_EQ(table[2].bytes, fc + fc);

  // The adjoint, which has no Func, is computed where it is read.
  EXPECT_THAT(table[3].nodes,
              ElementsAre("sum.d_input", "pointwise.d_input0", "fc.d_weight"));
  EXPECT_EQ(table[3].name, "w_out");
  EXPECT_EQ(table[3].phase, "backward+update");
  EXPECT_EQ(table[3].useful_flops, 2 * 3 * 4 * kBlock);
  EXPECT_EQ(table[3].bytes, x + fc + weights + 4 * w)
      << "reads and writes w and its momentum";
}

TEST_F(StageTableTest, GradientIsAddedToWhatIsThere) {
  const std::vector<Stage> table =
      StageTable(PipelineGraph(training_, PipelineKind::kGrad), forward_,
                 {.block = kBlock,
                  .stages = {"pointwise_d_input0", "w_grad"},
                  .parts = {{"pointwise_d_input0"}, {"w_grad"}},
                  .outputs = {{"w_grad", "gradient", "w"}}});
  ASSERT_EQ(table.size(), 2);
  EXPECT_EQ(table[0].phase, "backward");
  EXPECT_THAT(table[1].nodes, ElementsAre("fc.d_weight"));
  EXPECT_EQ(table[1].phase, "backward");
  EXPECT_EQ(table[1].bytes, 4 * 4 * kBlock + 4 * 3 * kBlock + 2 * 48);
}

TEST_F(StageTableTest, AnUpdateByItselfReadsTheGradient) {
  const std::vector<Stage> table =
      StageTable(PipelineGraph(training_, PipelineKind::kStep), forward_,
                 {.block = kBlock,
                  .stages = {"fc_d_weight_stored", "w_out"},
                  .parts = {{"fc_d_weight_stored", "fc_d_weight"}, {"w_out"}},
                  .outputs = {{"w_out", "parameter_out", "w"}}});
  ASSERT_EQ(table.size(), 2);
  EXPECT_EQ(table[0].phase, "backward");
  EXPECT_EQ(table[1].phase, "update");
  EXPECT_EQ(table[1].useful_flops, 0);
  EXPECT_EQ(table[1].bytes, 3 * 48);
}

TEST_F(StageTableTest, TheLossOverTheLanesIsForward) {
  const std::vector<Stage> table =
      StageTable(PipelineGraph(training_, PipelineKind::kGrad), forward_,
                 {.block = kBlock,
                  .stages = {"sum", "loss_out$1", "fc_d_weight"},
                  .parts = {{"sum"}, {"loss_out$1"}, {"fc_d_weight"}},
                  .outputs = {{"loss_out", "loss", ""}}});
  ASSERT_EQ(table.size(), 3);
  EXPECT_EQ(table[1].of, "sum");
  EXPECT_EQ(table[1].phase, "forward");
  EXPECT_EQ(table[2].phase, "backward");
}

TEST_F(StageTableTest, AFuncOfNoNodeKeepsItsName) {
  const std::vector<Stage> table = StageTable(
      PipelineGraph(training_, PipelineKind::kGrad), forward_,
      {.block = kBlock, .stages = {"elsewhere"}, .parts = {{"elsewhere"}}});
  ASSERT_EQ(table.size(), 1);
  EXPECT_EQ(table[0].name, "elsewhere");
  EXPECT_EQ(table[0].of, "");
  EXPECT_THAT(table[0].nodes, IsEmpty());
}

}  // namespace
}  // namespace kiln
