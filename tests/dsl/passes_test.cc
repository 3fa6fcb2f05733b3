#include "dsl/passes.h"

#include <memory>

#include "dsl/differentiate.h"
#include "dsl/model.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sum.h"
#include "gmock/gmock.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  return names;
}

OpPtr Pointwise(const std::string& label, ScalarExpr value,
                std::vector<ScalarExpr> partials = {}) {
  return std::make_shared<PointwiseOp>(label, std::move(value),
                                       std::move(partials));
}

TEST(EliminateDeadCodeTest, KeepsWhatOutputsNeedInOrder) {
  GraphMaker maker;
  const NodeId a = maker.Input("a", {3});
  maker.Input("unused", {3});
  const NodeId b = maker.Add(Pointwise("f", Tanh(Arg(0))), {a}, "b");
  const NodeId dead = maker.Add(Pointwise("g", Exp(Arg(0))), {b}, "dead");
  maker.Add(Pointwise("h", Arg(0) + Arg(1)), {dead, b}, "dead2");
  const NodeId c = maker.Add(Pointwise("k", Arg(0) * Arg(1)), {a, b}, "c");
  maker.Head("out", c);
  const Graph live = EliminateDeadCode(maker.graph());
  EXPECT_THAT(Names(live), ElementsAre("a", "b", "c"));
  EXPECT_THAT(live.node(2).inputs, ElementsAre(0, 1));
  EXPECT_EQ(live.outputs()[0].node, 2);
  EXPECT_TRUE(Verify(live).ok());
}

TEST(EliminateDeadCodeTest, AGraphWithoutOutputsIsAllDead) {
  GraphMaker maker;
  maker.Input("a", {3});
  EXPECT_EQ(EliminateDeadCode(maker.graph()).size(), 0);
}

TEST(EliminateCommonSubexpressionsTest, MergesChainsAndOutputs) {
  GraphMaker maker;
  const NodeId a = maker.Input("a", {3});
  const NodeId b1 = maker.Add(Pointwise("f", Tanh(Arg(0))), {a}, "b1");
  const NodeId b2 = maker.Add(Pointwise("f", Tanh(Arg(0))), {a}, "b2");
  const NodeId c1 = maker.Add(Pointwise("g", Exp(Arg(0))), {b1}, "c1");
  const NodeId c2 = maker.Add(Pointwise("g", Exp(Arg(0))), {b2}, "c2");
  maker.Head("one", c1);
  maker.Head("two", c2);
  const Graph merged = EliminateCommonSubexpressions(maker.graph());
  EXPECT_THAT(Names(merged), ElementsAre("a", "b1", "c1"));
  EXPECT_EQ(merged.outputs()[1].node, 2);
  EXPECT_EQ(merged.outputs()[1].name, "two");
}

TEST(EliminateCommonSubexpressionsTest, KeepsApartWhatDiffers) {
  GraphMaker maker;
  const NodeId a = maker.Input("a", {3}),
               b = maker.Input("b", {3});  // two buffers, though alike
  maker.Parameter("p", {3});
  maker.Parameter("q", {3});
  maker.Target("s", {3});
  maker.Target("t", {3});
  maker.Add(Pointwise("f", Arg(0) - Arg(1)), {a, b}, "in order");
  maker.Add(Pointwise("f", Arg(0) - Arg(1)), {b, a}, "swapped");
  maker.Add(Pointwise("f", Arg(0) * 1.0000000001), {a}, "constant");
  maker.Add(Pointwise("f", Arg(0) * 1.0000000002), {a}, "other constant");
  maker.Add(Pointwise("g", Tanh(Arg(0))), {a}, "symbolic");
  maker.Add(Pointwise("g", Tanh(Arg(0)), {1 - Arg(1) * Arg(1)}), {a},
            "declared");
  maker.Add(Pointwise("g", Tanh(Arg(0)), {1 - Tanh(Arg(0)) * Arg(1)}), {a},
            "declared otherwise");
  maker.Add(std::make_shared<ReshapeOp>(Shape{1, 3}), {a}, "row");
  maker.Add(std::make_shared<ReshapeOp>(Shape{3, 1}), {a}, "column");
  EXPECT_EQ(EliminateCommonSubexpressions(maker.graph()).size(),
            maker.graph().size());
}

TEST(KeepOutputsTest, DropsTheOthersAndWhatTheyNeeded) {
  const auto model = BuildModel("lenet5");
  ASSERT_TRUE(model.ok()) << model.status();
  const Graph inference = KeepOutputs(model->graph, {OutputKind::kHead});
  EXPECT_EQ(inference.outputs().size(), 1u);
  EXPECT_FALSE(inference.HasName("label"));
  EXPECT_FALSE(inference.HasName("softmax_cross_entropy1"));
  EXPECT_TRUE(inference.HasName("fc3"));
  const Graph evaluation =
      KeepOutputs(model->graph, {OutputKind::kLoss, OutputKind::kMetric});
  EXPECT_TRUE(evaluation.HasName("accuracy1"));
  EXPECT_EQ(evaluation.size(), model->graph.size());
}

TEST(BuildTrainingGraphTest, ReportsALayerThatNothingReads) {
  ModelBuilder m;
  const Value x = m.Input("x", {2}), y = m.Target("y", {1});
  m.Dense("spare", x, {.out = 4});
  m.Loss(m.L2(m.Dense("fc", x, {.out = 1}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_FALSE(BuildTrainingGraph(model->graph).ok());
}

// All passes on and off compute the same loss and the same gradients.
TEST(BuildTrainingGraphTest, PassesKeepTheFunction) {
  for (const std::string& name : ModelNames()) {
    const auto model = BuildModel(name);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto plain = Differentiate(model->graph);
    const auto optimized = BuildTrainingGraph(model->graph);
    ASSERT_TRUE(plain.ok() && optimized.ok());
    const GraphValues values = RandomValues(model->graph, 2, 7);
    const auto expected = InterpretGradients(*plain, values),
               actual = InterpretGradients(*optimized, values);
    ASSERT_TRUE(expected.ok() && actual.ok());
    EXPECT_EQ(*expected, *actual) << name;
    EXPECT_EQ(*InterpretLoss(model->graph, values),
              *InterpretLoss(*optimized, values))
        << name;
  }
}

TEST(BuildTrainingGraphTest, IsIdempotent) {
  const auto model = BuildModel("mnist_cnn");
  ASSERT_TRUE(model.ok());
  const auto once = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(once.ok());
  const auto twice = Optimize(*once);
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(Names(*once), Names(*twice));
}

}  // namespace
}  // namespace kiln
