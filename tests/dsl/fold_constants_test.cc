#include "dsl/fold_constants.h"

#include <memory>

#include "dsl/ops/reshape.h"
#include "dsl/print.h"
#include "gmock/gmock.h"
#include "tests/support/inference_testing.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Pass = Rewritten (*)(const Graph&);

// The text after the pass, which computes the same.
std::string After(Pass pass, void (*define)(ModelBuilder&)) {
  const Graph before = GraphOf(define);
  const Graph after = pass(before).graph;
  EXPECT_TRUE(Verify(after).ok()) << Verify(after);
  EXPECT_TRUE(HeadsAreSame(before, after));
  return ToText(after);
}

TEST(FoldConstantsTest, AConstantGoesIntoTheFormulaThatReadsIt) {
  const auto define = [](ModelBuilder& m) {
    const Value x = m.Input("x", {3});
    const Value half = m.Pointwise("half", {x}, 0.5);
    const Value sum = m.Pointwise("sum", {half, half}, Arg(0) + Arg(1));
    m.Output("y", m.Pointwise("f", {sum, x, half}, Arg(0) * Arg(1) + Arg(2)));
  };
  EXPECT_EQ(After(FoldConstants, define),
            "x = input() shape=3 storage=float32 scale=1 : 3 per sample\n"
            "f1 = pointwise(x) f(a0 + 0.5) : 3 per sample\n"
            "head y = f1\n");
  EXPECT_THAT(FoldConstants(GraphOf(define)).notes,
              ElementsAre("sum1 folded to 1", "f1 folded to a0 + 0.5"));
}

TEST(FoldConstantsTest, WhatAFormulaDoesNotNameIsNotRead) {
  EXPECT_THAT(
      After(
          FoldConstants,
          [](ModelBuilder& m) {
            const Value x = m.Input("x", {3});
            m.Output("y", m.Pointwise("f", {m.Tanh(x), m.Relu(x)}, 2 * Arg(1)));
          }),
      Not(HasSubstr("tanh")));
}

TEST(FoldConstantsTest, OtherGraphsStayAndNothingIsSaid) {
  const Graph graph = GraphOf([](ModelBuilder& m) {
    const Value x = m.Input("x", {3});
    m.Output("y", m.Pointwise("f", {m.Tanh(x), x}, Arg(0) * Arg(1)));
  });
  EXPECT_EQ(ToText(FoldConstants(graph).graph), ToText(graph));
  EXPECT_THAT(FoldConstants(graph).notes, IsEmpty());
}

TEST(RemoveIdentitiesTest, LeavesOutWhatGivesWhatItReads) {
  const auto define = [](ModelBuilder& m) {
    Value x = m.Pad(m.Identity(m.Input("x", {2, 3, 3})), 0);
    x = m.Apply("reshape", std::make_shared<ReshapeOp>(Shape{2, 3, 3}), {x});
    x = m.WeightedSum({{1.0, x}});
    m.Output("y", m.Tanh(x));
  };
  EXPECT_EQ(
      After(RemoveIdentities, define),
      "x = input() shape=2x3x3 storage=float32 scale=1 : 2x3x3 per sample\n"
      "tanh1 = pointwise(x) tanh(tanh(a0)) partials=(1 - a1 * a1) : "
      "2x3x3 per sample\n"
      "head y = tanh1\n");
  EXPECT_THAT(RemoveIdentities(GraphOf(define)).notes,
              ElementsAre("identity1, pad1, reshape1 and weighted_sum1 compute "
                          "nothing and are left out"));
}

TEST(RemoveIdentitiesTest, TwoReshapesAreOneOrNone) {
  EXPECT_EQ(After(RemoveIdentities,
                  [](ModelBuilder& m) {
                    Value x = m.Tanh(m.Input("x", {6}));
                    for (const Shape& shape : {Shape{1, 2, 3}, Shape{1, 3, 2}})
                      x = m.Apply("reshape", std::make_shared<ReshapeOp>(shape),
                                  {x});
                    m.Output("image", x);
                    m.Output("flat", m.Flatten(x));
                  }),
            "x = input() shape=6 storage=float32 scale=1 : 6 per sample\n"
            "tanh1 = pointwise(x) tanh(tanh(a0)) partials=(1 - a1 * a1) : 6 "
            "per sample\n"
            "reshape2 = reshape(tanh1) shape=1x3x2 : 1x3x2 per sample\n"
            "head image = reshape2\nhead flat = tanh1\n");
}

TEST(RemoveIdentitiesTest, KeepsWhatComputes) {
  const Graph graph = GraphOf([](ModelBuilder& m) {
    const Value x = m.Input("x", {2, 3, 3});
    m.Output("padded", m.Pad(x, 1));
    m.Output("flat", m.Flatten(x));
    m.Output("scaled", m.WeightedSum({{2.0, x}}));
  });
  EXPECT_EQ(ToText(RemoveIdentities(graph).graph), ToText(graph));
  EXPECT_THAT(RemoveIdentities(graph).notes, IsEmpty());
}

}  // namespace
}  // namespace kiln
