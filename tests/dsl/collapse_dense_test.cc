#include "dsl/collapse_dense.h"

#include "dsl/analysis.h"
#include "dsl/fold_constants.h"
#include "dsl/ops/dense.h"
#include "gmock/gmock.h"
#include "tests/support/golden.h"
#include "tests/support/graph_testing.h"
#include "tests/support/inference_testing.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

int DenseLayers(const Graph& graph) {
  int count = 0;
  for (const Node& node : graph.nodes()) count += node.op->name() == "dense";
  return count;
}

// Collapses to `layers` dense layers that compute the same.
void ExpectLayers(int layers, void (*define)(ModelBuilder&)) {
  const Graph before = GraphOf(define);
  const Rewritten after = CollapseDense(RemoveIdentities(before).graph);
  EXPECT_TRUE(Verify(after.graph).ok()) << Verify(after.graph);
  EXPECT_EQ(DenseLayers(after.graph), layers);
  EXPECT_TRUE(HeadsAreSame(before, after.graph));
  const bool is_changed = DenseLayers(before) != layers;
  EXPECT_EQ(after.notes.empty(), !is_changed);
  // The weights are no sample's business.
  const PreparedSplit split = SplitPrepare(after.graph);
  EXPECT_LE(CountFlops(split.infer).all, CountFlops(before).all);
  EXPECT_EQ(split.prepare.outputs().empty(), !is_changed);
}

// 4 -> 8 -> 3: 2 * (32 + 24) FLOPs, and 2 * 12 as one layer.
template <bool first_bias, bool second_bias>
void TwoLayers(ModelBuilder& m) {
  const Value x = m.Input("x", {4});
  const Value hidden = m.Dense("fc1", x, {.out = 8, .bias = first_bias});
  m.Output("y", m.Dense("fc2", hidden, {.out = 3, .bias = second_bias}));
}

TEST(CollapseDenseTest, WithAndWithoutBiases) {
  ExpectLayers(1, TwoLayers<true, true>);
  ExpectLayers(1, TwoLayers<true, false>);
  ExpectLayers(1, TwoLayers<false, true>);
  ExpectLayers(1, TwoLayers<false, false>);
}

TEST(CollapseDenseTest, SaysWhatItSaves) {
  EXPECT_THAT(
      CollapseDense(GraphOf(TwoLayers<true, true>)).notes,
      ElementsAre("fc1 and fc2 collapsed into one dense layer (-88 FLOPs)"));
  // Without biases the sums of n products are n - 1 additions: 11 less before,
  // 3 less after.
  EXPECT_THAT(
      CollapseDense(GraphOf(TwoLayers<false, false>)).notes,
      ElementsAre("fc1 and fc2 collapsed into one dense layer (-80 FLOPs)"));
}

TEST(CollapseDenseTest, WholeStacksThroughWhatComputesNothing) {
  const auto define = [](ModelBuilder& m) {
    Value x = m.Flatten(m.Input("image", {1, 2, 3}));
    x = m.Identity(m.Dense("fc1", x, {.out = 9}));
    x = m.Flatten(m.Dense("fc2", x, {.out = 7, .bias = false}));
    x = m.Dense("fc3", x, {.out = 2});
    m.Output("y", m.Sigmoid(x));
  };
  ExpectLayers(1, define);
  const absl::StatusOr<InferencePlan> plan = PlanInference(GraphOf(define));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(HeadsAreSame(GraphOf(define), *plan));
  EXPECT_TRUE(MatchesGolden("inference_stacked_dense", PlanText(*plan)));
}

TEST(CollapseDenseTest, StaysWhereAnotherReadsTheMiddle) {
  ExpectLayers(2, [](ModelBuilder& m) {
    const Value hidden = m.Dense("fc1", m.Input("x", {4}), {.out = 8});
    m.Output("y", m.Dense("fc2", hidden, {.out = 3}));
    m.Output("z", m.Tanh(hidden));
  });
  ExpectLayers(2, [](ModelBuilder& m) {
    const Value hidden = m.Dense("fc1", m.Input("x", {4}), {.out = 8});
    m.Output("y", m.Dense("fc2", hidden, {.out = 3}));
    m.Output("hidden", hidden);
  });
}

TEST(CollapseDenseTest, StaysWhereSomethingIsBetween) {
  ExpectLayers(2, [](ModelBuilder& m) {
    const Value x = m.Input("x", {4});
    m.Output("y",
             m.Dense("fc2", m.Relu(m.Dense("fc1", x, {.out = 8})), {.out = 3}));
  });
}

TEST(CollapseDenseTest, StaysWhereOneLayerCostsMore) {
  // 2 (6 + 6) FLOPs through the bottleneck, 2 * 36 without.
  ExpectLayers(2, [](ModelBuilder& m) {
    const Value code = m.Dense("fc1", m.Input("x", {6}), {.out = 1});
    m.Output("y", m.Dense("fc2", code, {.out = 6}));
  });
  // 2 -> 2 -> 2 without biases: 12 FLOPs and 6.
  ExpectLayers(1, [](ModelBuilder& m) {
    const Value code =
        m.Dense("fc1", m.Input("x", {2}), {.out = 2, .bias = false});
    m.Output("y", m.Dense("fc2", code, {.out = 2, .bias = false}));
  });
  // 4 -> 2 -> 4: as many FLOPs either way, one layer less.
  ExpectLayers(1, [](ModelBuilder& m) {
    const Value code = m.Dense("fc1", m.Input("x", {4}), {.out = 2});
    m.Output("y", m.Dense("fc2", code, {.out = 4}));
  });
}

TEST(CollapseDenseTest, ALaterPairCanMakeAnEarlierOneWorthIt) {
  // 6 -> 1 -> 6 is not, 1 -> 6 -> 1 is, and then 6 -> 1 -> 1 is.
  const auto define = [](ModelBuilder& m) {
    Value x = m.Dense("fc1", m.Input("x", {6}), {.out = 1});
    x = m.Dense("fc2", x, {.out = 6});
    m.Output("y", m.Dense("fc3", x, {.out = 1}));
  };
  ExpectLayers(1, define);
  EXPECT_THAT(CollapseDense(GraphOf(define)).notes,
              ElementsAre("fc1, fc2 and fc3 collapsed into one dense layer "
                          "(-24 FLOPs)"));
}

TEST(CollapseDenseTest, SharedWeightsStayShared) {
  ExpectLayers(1, [](ModelBuilder& m) {
    const Value w = m.Parameter("w", {.shape = {5, 5}});
    const Value x = m.Input("x", {5});
    const OpPtr dense = std::make_shared<DenseOp>();
    m.Output("y",
             m.Apply("dense", dense, {m.Apply("dense", dense, {x, w}), w}));
  });
}

TEST(CollapseDenseTest, NothingToDoIsNothingSaid) {
  const Graph graph = GraphOf([](ModelBuilder& m) {
    m.Output("y", m.Dense("fc1", m.Input("x", {6}), {.out = 1}));
  });
  EXPECT_THAT(CollapseDense(graph).notes, IsEmpty());
}

}  // namespace
}  // namespace kiln
