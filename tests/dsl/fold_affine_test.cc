#include "dsl/fold_affine.h"

#include <memory>

#include "dsl/analysis.h"
#include "dsl/ops/channel_affine.h"
#include "gmock/gmock.h"
#include "tests/support/golden.h"
#include "tests/support/inference_testing.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

int Affines(const Graph& graph) {
  int count = 0;
  for (const Node& node : graph.nodes())
    count += node.op->name() == "channel_affine";
  return count;
}

Value Affine(ModelBuilder& m, const std::string& name, Value x, bool shift) {
  const int64_t channels = m.TypeOf(x).shape[0];
  std::vector<Value> inputs = {
      x, m.Parameter(name + ".scale", {.shape = {channels}})};
  if (shift)
    inputs.push_back(m.Parameter(name + ".shift", {.shape = {channels}}));
  return m.Apply(name, std::make_shared<ChannelAffineOp>(), inputs);
}

void ExpectAffines(int affines, void (*define)(ModelBuilder&)) {
  const Graph before = GraphOf(define);
  const Rewritten after = FoldChannelAffine(before);
  EXPECT_TRUE(Verify(after.graph).ok()) << Verify(after.graph);
  EXPECT_EQ(Affines(after.graph), affines);
  EXPECT_TRUE(HeadsAreSame(before, after.graph));
  EXPECT_EQ(after.notes.size(), Affines(before) - affines);
}

template <bool bias, bool shift>
void Conv(ModelBuilder& m) {
  const Value x = m.Input("x", {2, 5, 4});
  const Value conv = m.Conv2d(
      "conv1", x,
      {.out_channels = 3, .kernel = {3, 2}, .padding = 1, .bias = bias});
  m.Output("y", m.Relu(Affine(m, "bn", conv, shift)));
}

template <bool bias, bool shift>
void Dense(ModelBuilder& m) {
  const Value fc = m.Dense("fc1", m.Input("x", {4}), {.out = 3, .bias = bias});
  m.Output("y", m.Relu(Affine(m, "bn", fc, shift)));
}

TEST(FoldChannelAffineTest, IntoConvolutions) {
  ExpectAffines(0, Conv<true, true>);
  ExpectAffines(0, Conv<true, false>);
  ExpectAffines(0, Conv<false, true>);
  ExpectAffines(0, Conv<false, false>);
}

TEST(FoldChannelAffineTest, IntoDenseLayers) {
  ExpectAffines(0, Dense<true, true>);
  ExpectAffines(0, Dense<true, false>);
  ExpectAffines(0, Dense<false, true>);
  ExpectAffines(0, Dense<false, false>);
}

TEST(FoldChannelAffineTest, Plan) {
  const Graph before = GraphOf(Conv<true, true>);
  const absl::StatusOr<InferencePlan> plan = PlanInference(before);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(HeadsAreSame(before, *plan));
  EXPECT_TRUE(MatchesGolden("inference_folded_affine", PlanText(*plan)));
  // A product and a sum for each of the 3 x 5 x 5 values.
  EXPECT_THAT(plan->notes,
              ElementsAre("inference: bn1 folded into conv1 (-150 FLOPs)"));
  EXPECT_EQ(CountFlops(before).all - CountFlops(plan->infer).all, 150);
}

TEST(FoldChannelAffineTest, TwoInARow) {
  ExpectAffines(0, [](ModelBuilder& m) {
    const Value fc = m.Dense("fc1", m.Input("x", {4}), {.out = 3});
    m.Output("y", Affine(m, "second", Affine(m, "first", fc, true), true));
  });
}

TEST(FoldChannelAffineTest, StaysWhereAnotherReadsTheLayer) {
  ExpectAffines(1, [](ModelBuilder& m) {
    const Value fc = m.Dense("fc1", m.Input("x", {4}), {.out = 3});
    m.Output("y", Affine(m, "bn", fc, true));
    m.Output("z", m.Tanh(fc));
  });
}

TEST(FoldChannelAffineTest, StaysWhereThereIsNoLayer) {
  ExpectAffines(1, [](ModelBuilder& m) {
    m.Output("y", Affine(m, "bn", m.Input("x", {4}), true));
  });
}

// Folded layers are layers: what was apart collapses.
TEST(FoldChannelAffineTest, ThenDenseLayersCollapse) {
  const Graph before = GraphOf([](ModelBuilder& m) {
    const Value fc = m.Dense("fc1", m.Input("x", {4}), {.out = 8});
    m.Output("y", m.Dense("fc2", Affine(m, "bn", fc, true), {.out = 2}));
  });
  const absl::StatusOr<InferencePlan> plan = PlanInference(before);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(HeadsAreSame(before, *plan));
  EXPECT_EQ(CountFlops(plan->infer).all, 2 * 4 * 2);
}

}  // namespace
}  // namespace kiln
