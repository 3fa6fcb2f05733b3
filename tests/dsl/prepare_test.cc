#include "dsl/prepare.h"

#include <memory>

#include "dsl/ops/dense.h"
#include "dsl/ops/pointwise.h"
#include "dsl/print.h"
#include "gmock/gmock.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> OutputNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Output& output : graph.outputs()) names.push_back(output.name);
  return names;
}

OpPtr Formula(ScalarExpr value) {
  return std::make_shared<PointwiseOp>("f", std::move(value));
}

// w -> a -> b, both of parameters alone; samples read a and w.
TEST(SplitPrepareTest, CutsAtTheLastNodesThatNoSampleInfluences) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {3}), w = maker.Parameter("w", {2, 3});
  const NodeId a = maker.Add(Formula(Tanh(Arg(0))), {w}, "a");
  const NodeId b = maker.Add(Formula(Arg(0) * Arg(1)), {a, w}, "b");
  const OpPtr dense = std::make_shared<DenseOp>();
  maker.Head("reads_b", maker.Add(dense, {x, b}, "y"));
  maker.Head("reads_w", maker.Add(dense, {x, w}, "z"));
  const PreparedSplit split = SplitPrepare(maker.graph());
  // a is read by b alone: no sample asks for it.
  EXPECT_THAT(OutputNames(split.prepare), ElementsAre("b"));
  EXPECT_EQ(ToText(split.prepare),
            "w = parameter() shape=2x3 init=uniform(-1,1) : 2x3\n"
            "a = pointwise(w) f(tanh(a0)) : 2x3\n"
            "b = pointwise(a, w) f(a0 * a1) : 2x3\n"
            "prepared b = b\n");
  EXPECT_EQ(ToText(split.infer),
            "x = input() shape=3 storage=float32 scale=1 : 3 per sample\n"
            "w = parameter() shape=2x3 init=uniform(-1,1) : 2x3\n"
            "b = prepared() shape=2x3 : 2x3\n"
            "y = dense(x, b) : 2 per sample\n"
            "z = dense(x, w) : 2 per sample\n"
            "head reads_b = y\nhead reads_w = z\n");
  EXPECT_TRUE(Verify(split.prepare).ok()) << Verify(split.prepare);
  EXPECT_TRUE(Verify(split.infer).ok()) << Verify(split.infer);
}

TEST(SplitPrepareTest, ANodeThatBothReadIsPreparedToo) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {3}), w = maker.Parameter("w", {2, 3});
  const NodeId a = maker.Add(Formula(Tanh(Arg(0))), {w}, "a");
  const NodeId b = maker.Add(Formula(Arg(0) * Arg(0)), {a}, "b");
  const OpPtr dense = std::make_shared<DenseOp>();
  maker.Head("y", maker.Add(dense, {x, a}, "y"));
  maker.Head("z", maker.Add(dense, {x, b}, "z"));
  EXPECT_THAT(OutputNames(SplitPrepare(maker.graph()).prepare),
              ElementsAre("a", "b"));
}

// A model with nothing to fold has no prepare graph, and the infer graph it
// had.
TEST(PlanInferenceTest, LeavesMostModelsAsTheyAre) {
  for (const char* name : {"lenet5", "mnist_cnn", "xor_mlp"}) {
    const auto model = BuildModel(name);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto plan = PlanInference(model->graph);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_TRUE(plan->prepare.outputs().empty());
    EXPECT_EQ(plan->prepare.size(), 0);
    EXPECT_EQ(ToText(plan->infer), ToText(plan->folded));
    EXPECT_THAT(plan->notes, IsEmpty());
  }
}

TEST(VerifyTest, RefusesToPrepareWhatSamplesInfluence) {
  GraphMaker maker;
  Graph graph = maker.graph();
  const NodeId x = maker.Input("x", {3});
  graph = maker.graph();
  graph.AddOutput(OutputKind::kPrepared, "x", x);
  EXPECT_FALSE(Verify(graph).ok());
}

}  // namespace
}  // namespace kiln
