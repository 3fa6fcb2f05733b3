// The graph value and its verifier.
#include "dsl/graph.h"

#include <memory>

#include "dsl/ops/dense.h"
#include "dsl/ops/parameter.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/sum.h"
#include "gmock/gmock.h"
#include "tests/support/graph_testing.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

OpPtr Relu() { return std::make_shared<PointwiseOp>("relu", Max(Arg(0), 0)); }

// An op that gives another type each time it is asked: the only way to get a
// node whose type is not its op's.
class FickleOp : public Op {
 public:
  absl::string_view name() const override { return "fickle"; }
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType>) const override {
    return TensorType{{++calls_}, DType::kFloat32, true};
  }

 private:
  mutable int64_t calls_ = 0;
};

TEST(GraphTest, IsAValue) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {3});
  Graph copy = maker.graph();
  ASSERT_TRUE(copy.Add(Relu(), {x}, "relu1", {"model.cc", 7}).ok());
  EXPECT_EQ(copy.size(), 2);
  EXPECT_EQ(maker.graph().size(), 1);
  EXPECT_EQ(copy.node(1).where.line, 7);
  EXPECT_EQ(copy.node(1).type, (TensorType{{3}, DType::kFloat32, true}));
}

TEST(GraphTest, KnowsUsersAndNames) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {3});
  const NodeId square = maker.Add(
      std::make_shared<PointwiseOp>("mul", Arg(0) * Arg(1)), {x, x}, "square");
  maker.Add(Relu(), {x}, "relu1");
  EXPECT_THAT(maker.graph().Users()[x], ElementsAre(square, square, 2));
  EXPECT_THAT(ReadersOf(maker.graph(), "square"), ElementsAre());
  EXPECT_TRUE(maker.graph().HasName("relu1"));
  EXPECT_FALSE(maker.graph().HasName("relu2"));
  EXPECT_EQ(maker.graph().UniqueName("relu2"), "relu2");
  EXPECT_EQ(maker.graph().UniqueName("relu1"), "relu12");
  EXPECT_EQ(CName("conv1.weight"), "conv1_weight");
}

TEST(GraphTest, AddRefusesWithFileAndLine) {
  Graph graph;
  ASSERT_TRUE(graph
                  .Add(std::make_shared<InputOp>(Shape{3}, InputFormat{}), {},
                       "x", {"m.cc", 1})
                  .ok());
  EXPECT_EQ(graph.Add(Relu(), {0}, "x", {"m.cc", 2}).status().message(),
            "m.cc:2: x: this name is used twice");
  EXPECT_EQ(graph.Add(Relu(), {1}, "y", {"m.cc", 3}).status().message(),
            "m.cc:3: y: reads a node that does not come before it");
  EXPECT_EQ(graph.Add(std::make_shared<DenseOp>(), {0, 0}, "fc", {"m.cc", 4})
                .status()
                .message(),
            "m.cc:4: fc: the weight 3 is not {out, 3}");
  EXPECT_EQ(graph.size(), 1);  // nothing was added
}

// A good graph with every kind of output: y = relu(w x), loss = sum y, d loss /
// d w.
GraphMaker Good() {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {3});
  const NodeId w = maker.Parameter("w", {2, 3});
  const NodeId y = maker.Add(
      Relu(), {maker.Add(std::make_shared<DenseOp>(), {x, w}, "fc")}, "y");
  maker.Loss(maker.Add(std::make_shared<SumOp>(), {y}, "total"));
  maker.Head("y", y);
  maker.Add(std::make_shared<DenseWeightGradOp>(), {x, y}, "d_w");
  return maker;
}

TEST(VerifyTest, AcceptsAGoodGraph) {
  Graph graph = Good().graph();
  graph.AddOutput(OutputKind::kMetric, "total", FindNode(graph, "total"));
  graph.AddOutput(OutputKind::kGradient, "w", FindNode(graph, "d_w"));
  EXPECT_TRUE(Verify(graph).ok()) << Verify(graph);
}

TEST(VerifyTest, CatchesATypeThatIsNotTheOps) {
  GraphMaker maker;
  maker.Add(std::make_shared<FickleOp>(), {}, "odd");
  EXPECT_EQ(
      Verify(maker.graph()).message(),
      "test.cc:1: odd: has type 1 per sample, but its op gives 2 per sample");
}

TEST(VerifyTest, CatchesAnInputWhoseTypeWentWrong) {
  GraphMaker maker;
  const NodeId odd = maker.Add(std::make_shared<FickleOp>(), {},
                               "odd");  // {1} now, {2} when asked again
  const NodeId x = maker.Input("x", {1});
  maker.Add(std::make_shared<PointwiseOp>("add", Arg(0) + Arg(1)), {odd, x},
            "sum");
  EXPECT_FALSE(Verify(maker.graph()).ok());
}

TEST(VerifyTest, CatchesNamesThatAreOneInC) {
  GraphMaker maker;
  maker.Input("a.b", {1});
  maker.Input("a_b", {1});
  EXPECT_EQ(Verify(maker.graph()).message(),
            "test.cc:1: a_b: this name and a.b are both a_b in C");
}

TEST(VerifyTest, CatchesWrongOutputs) {
  struct Case {
    OutputKind kind;
    std::string name;
    std::string node;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {OutputKind::kLoss, "loss", "total", "at most one loss output"},
      {OutputKind::kMetric, "m", "y",
       "a loss or metric must be a scalar per sample, and this is 2 per "
       "sample"},
      {OutputKind::kHead, "h", "w", "w: cannot be an output: it is 2x3"},
      {OutputKind::kGradient, "w", "y",
       "y: is no gradient of a parameter called w"},
      {OutputKind::kGradient, "v", "d_w",
       "d_w: is no gradient of a parameter called v"},
      {OutputKind::kGradient, "x", "x",
       "x: is no gradient of a parameter called x"},
      {OutputKind::kHead, "h", "no such node", "output h names no node"},
  };
  for (const Case& c : cases) {
    Graph graph = Good().graph();
    graph.AddOutput(c.kind, c.name, FindNode(graph, c.node));
    EXPECT_TRUE(IsOneLineError(Verify(graph), {c.expected}));
  }
  Graph graph = Good().graph();
  graph.AddOutput(OutputKind::kHead, "beyond", graph.size());
  EXPECT_TRUE(IsOneLineError(Verify(graph), {"output beyond names no node"}));
}

}  // namespace
}  // namespace kiln
