// The oracle itself, against values worked out by hand (or, where it says so,
// by PyTorch's documented formulas).
#include "tests/support/interpreter.h"

#include <cmath>
#include <memory>

#include "dsl/ops/avg_pool.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sample_weight.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"
#include "gmock/gmock.h"
#include "tests/ops/references.h"
#include "tests/support/graph_testing.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pointwise;

// The value of `op` on inputs of these shapes and values; `per_batch` ones are
// parameters.
struct Operand {
  Shape shape;
  std::vector<double> values;
  bool parameter = false;
};

std::vector<double> Compute(OpPtr op, const std::vector<Operand>& operands,
                            int64_t batch = 1) {
  GraphMaker maker;
  GraphValues values;
  values.batch = batch;
  std::vector<NodeId> inputs;
  for (const Operand& operand : operands) {
    const std::string name = "in" + std::to_string(inputs.size());
    inputs.push_back(operand.parameter ? maker.Parameter(name, operand.shape)
                     : operand.shape.empty()
                         ? maker.Labels(name, 100)
                         : maker.Target(name, operand.shape));
    values.tensors[name] = operand.values;
  }
  maker.Add(std::move(op), inputs, "out");
  return ValueOf(maker.graph(), values, "out");
}

TEST(InterpreterTest, EveryOpOfTheDslHasAReference) {
  // One instance of each class in dsl/ops.
  const Conv2dGeometry conv;
  const PoolGeometry pool;
  const std::vector<OpPtr> ops = {
      std::make_shared<AvgPoolOp>(pool),
      std::make_shared<AvgPoolGradOp>(pool, Shape{1, 2, 2}),
      std::make_shared<BatchSumOp>(),
      std::make_shared<Conv2dOp>(conv),
      std::make_shared<Conv2dInputGradOp>(conv, Shape{1, 2, 2}),
      std::make_shared<Conv2dWeightGradOp>(conv),
      std::make_shared<DenseOp>(),
      std::make_shared<DenseInputGradOp>(),
      std::make_shared<DenseWeightGradOp>(),
      std::make_shared<InputOp>(Shape{1}, InputFormat{}),
      TargetOp::Class(2),
      std::make_shared<MaxPoolOp>(pool),
      std::make_shared<MaxPoolIndexOp>(pool),
      std::make_shared<MaxPoolGradOp>(pool, Shape{1, 2, 2}),
      std::make_shared<PadOp>(1),
      std::make_shared<CropOp>(1),
      std::make_shared<PointwiseOp>("f", Arg(0)),
      std::make_shared<ReshapeOp>(Shape{1}),
      std::make_shared<SampleWeightOp>(),
      std::make_shared<SoftmaxCrossEntropyOp>(),
      std::make_shared<SoftmaxCrossEntropyGradOp>(),
      std::make_shared<AccuracyOp>(),
      std::make_shared<SumOp>(),
      std::make_shared<BroadcastOp>(Shape{1}),
  };
  for (const OpPtr& op : ops)
    EXPECT_NE(FindReference<double>(op->name()), nullptr) << op->name();
  EXPECT_EQ(FindReference<double>("no_such_op"), nullptr);
}

TEST(InterpreterTest, ConvolutionByHand) {
  // 1x3x3 image, 2x2 kernel with one row of padding above and below, stride 2
  // down and 1 across.
  const std::vector<double> image = {1, 2, 3, 4, 5, 6, 7, 8, 9},
                            kernel = {1, 10, 100, 1000};
  const Conv2dGeometry geometry{
      .kernel = 2, .stride = {2, 1}, .padding = {1, 0}};
  EXPECT_THAT(
      Compute(std::make_shared<Conv2dOp>(geometry),
              {{{1, 3, 3}, image},
               {{1, 1, 2, 2}, kernel, true},
               {{1}, {0.5}, true}}),
      ElementsAre(
          2100.5, 3200.5,  // rows -1, 0: 100 * 1 + 1000 * 2, 100 * 2 + 1000 * 3
          8754.5,
          9865.5));  // rows 1, 2: 4 + 50 + 700 + 8000, 5 + 60 + 800 + 9000
}

TEST(InterpreterTest, ConvolutionSumsChannelsAndSeparatesFilters) {
  const std::vector<double> image = {1, 2, 3, 4};  // two channels of 1x2
  const std::vector<double> kernel = {
      1, 10, 100, 1000};  // two filters of two channels, 1x1
  EXPECT_THAT(Compute(std::make_shared<Conv2dOp>(Conv2dGeometry{}),
                      {{{2, 1, 2}, image}, {{2, 2, 1, 1}, kernel, true}}),
              ElementsAre(31, 42, 3100, 4200));
}

TEST(InterpreterTest, ConvolutionGradientsByHand) {
  const Conv2dGeometry geometry{.kernel = {1, 2}, .stride = 1, .padding = 0};
  const std::vector<double> d_out = {5,
                                     7};  // of a 1x1x3 image under a 1x2 kernel
  EXPECT_THAT(
      Compute(std::make_shared<Conv2dInputGradOp>(geometry, Shape{1, 1, 3}),
              {{{1, 1, 2}, d_out}, {{1, 1, 1, 2}, {2, 3}, true}}),
      ElementsAre(10, 3 * 5 + 2 * 7, 21));
  // Two samples: the gradient is summed over them.
  EXPECT_THAT(
      Compute(std::make_shared<Conv2dWeightGradOp>(geometry),
              {{{1, 1, 3}, {1, 2, 3, 10, 20, 30}}, {{1, 1, 2}, {5, 7, 1, 0}}},
              2),
      ElementsAre(5 * 1 + 7 * 2 + 10, 5 * 2 + 7 * 3 + 20));
}

TEST(InterpreterTest, DenseByHand) {
  const Operand weight{{2, 3}, {1, 2, 3, 4, 5, 6}, true};
  const std::vector<double> in = {1, 0, -1, 2, 2, 2};
  EXPECT_THAT(Compute(std::make_shared<DenseOp>(), {{{3}, in}, weight}, 2),
              ElementsAre(-2, -2, 12, 30));
  EXPECT_THAT(Compute(std::make_shared<DenseOp>(),
                      {{{3}, in}, weight, {{2}, {100, 200}, true}}, 2),
              ElementsAre(98, 198, 112, 230));
  EXPECT_THAT(
      Compute(std::make_shared<DenseInputGradOp>(), {{{2}, {1, 10}}, weight}),
      ElementsAre(41, 52, 63));
  EXPECT_THAT(Compute(std::make_shared<DenseWeightGradOp>(),
                      {{{3}, in}, {{2}, {1, 10, 0, 1}}}, 2),
              ElementsAre(1, 0, -1, 12, 2, -8));
}

TEST(InterpreterTest, BatchSumByHand) {
  EXPECT_THAT(Compute(std::make_shared<BatchSumOp>(),
                      {{{2, 1, 2}, {1, 2, 3, 4, 10, 20, 30, 40}}}, 2),
              ElementsAre(33, 77));
  EXPECT_THAT(Compute(std::make_shared<BatchSumOp>(),
                      {{{3}, {1, 2, 3, 10, 20, 30}}}, 2),
              ElementsAre(11, 22, 33));
}

TEST(InterpreterTest, MaxPoolTakesTheFirstMaximumAndSumsWhereWindowsOverlap) {
  const PoolGeometry geometry{.kernel = 2, .stride = 1, .padding = 0};
  const Operand image{{1, 3, 3},
                      {1, 5, 5,  //
                       2, 5, 3,  //
                       5, 0, 9}};
  EXPECT_THAT(Compute(std::make_shared<MaxPoolOp>(geometry), {image}),
              ElementsAre(5, 5, 5, 9));
  EXPECT_THAT(Compute(std::make_shared<MaxPoolIndexOp>(geometry), {image}),
              ElementsAre(1, 0, 1, 3));
  GraphMaker maker;  // the index is of its own op: only that gives int32 images
  const NodeId in = maker.Target("in", image.shape),
               d_out = maker.Target("d_out", {1, 2, 2});
  const NodeId index =
      maker.Add(std::make_shared<MaxPoolIndexOp>(geometry), {in});
  maker.Add(std::make_shared<MaxPoolGradOp>(geometry, image.shape),
            {index, d_out}, "out");
  EXPECT_THAT(ValueOf(maker.graph(),
                      {.tensors = {{"in", image.values},
                                   {"d_out", {1, 10, 100, 1000}}}},
                      "out"),
              ElementsAre(0, 11, 0, 0, 100, 0, 0, 0, 1000));
}

TEST(InterpreterTest, PaddingNeverWinsAMaxPoolAndCountsInAnAveragePool) {
  const PoolGeometry geometry{.kernel = 2, .stride = 2, .padding = 1};
  const Operand image{{1, 2, 2}, {-1, -2, -3, -4}};
  EXPECT_THAT(Compute(std::make_shared<MaxPoolOp>(geometry), {image}),
              ElementsAre(-1, -2, -3, -4));
  EXPECT_THAT(Compute(std::make_shared<MaxPoolIndexOp>(geometry), {image}),
              ElementsAre(3, 2, 1, 0));
  EXPECT_THAT(Compute(std::make_shared<AvgPoolOp>(geometry), {image}),
              ElementsAre(-0.25, -0.5, -0.75, -1));
  const PoolGeometry overlapping{.kernel = {1, 2}, .stride = 1, .padding = 0};
  EXPECT_THAT(
      Compute(std::make_shared<AvgPoolGradOp>(overlapping, Shape{1, 1, 3}),
              {{{1, 1, 2}, {2, 10}}}),
      ElementsAre(1, 6, 5));
}

TEST(InterpreterTest, AveragePoolDividesByTheKernelsArea) {
  const PoolGeometry geometry{.kernel = {1, 3}, .stride = 1, .padding = 0};
  EXPECT_THAT(Compute(std::make_shared<AvgPoolOp>(geometry),
                      {{{1, 1, 4}, {3, 6, 9, 0}}}),
              ElementsAre(6, 5));
}

TEST(InterpreterTest, PadAndCropByHand) {
  EXPECT_THAT(
      Compute(std::make_shared<PadOp>(Size2(1, 0)), {{{1, 1, 2}, {1, 2}}}),
      ElementsAre(0, 0, 1, 2, 0, 0));
  EXPECT_THAT(
      Compute(std::make_shared<PadOp>(Size2(0, 1)), {{{2, 1, 1}, {1, 2}}}),
      ElementsAre(0, 1, 0, 0, 2, 0));
  EXPECT_THAT(Compute(std::make_shared<CropOp>(Size2(1, 0)),
                      {{{1, 3, 2}, {1, 2, 3, 4, 5, 6}}}),
              ElementsAre(3, 4));
  EXPECT_THAT(Compute(std::make_shared<CropOp>(Size2(0, 1)),
                      {{{1, 1, 3}, {1, 2, 3, 4, 5, 6}}}, 2),
              ElementsAre(2, 5));
}

TEST(InterpreterTest, PointwiseSumBroadcastReshapeByHand) {
  EXPECT_THAT(Compute(std::make_shared<PointwiseOp>("f", Arg(0) - 2 * Arg(1)),
                      {{{2}, {1, 2, 3, 4}}, {{2}, {1, 1, 0, 5}}}, 2),
              ElementsAre(-1, 0, 3, -6));
  EXPECT_THAT(Compute(std::make_shared<SumOp>(),
                      {{{1, 2, 2}, {1, 2, 3, 4, 10, 20, 30, 40}}}, 2),
              ElementsAre(10, 100));
  EXPECT_THAT(Compute(std::make_shared<ReshapeOp>(Shape{4}),
                      {{{1, 2, 2}, {1, 2, 3, 4}}}),
              ElementsAre(1, 2, 3, 4));
  GraphMaker maker;
  const NodeId sum =
      maker.Add(std::make_shared<SumOp>(), {maker.Target("t", {2})});
  maker.Add(std::make_shared<BroadcastOp>(Shape{3}), {sum}, "out");
  EXPECT_THAT(ValueOf(maker.graph(),
                      {.batch = 2, .tensors = {{"t", {1, 2, 30, 40}}}}, "out"),
              ElementsAre(3, 3, 3, 70, 70, 70));
}

TEST(InterpreterTest, SoftmaxCrossEntropyByHand) {
  const Operand logits{{3}, {std::log(1), std::log(2), std::log(5)}};
  EXPECT_THAT(
      Compute(std::make_shared<SoftmaxCrossEntropyOp>(), {logits, {{}, {1}}}),
      Pointwise(DoubleNear(1e-15), {std::log(8.0 / 2)}));
  // Far apart logits overflow nothing: -log softmax = 2e4 and 0.
  EXPECT_THAT(Compute(std::make_shared<SoftmaxCrossEntropyOp>(),
                      {{{2}, {1e4, -1e4, 1e4, -1e4}}, {{}, {1, 0}}}, 2),
              ElementsAre(2e4, 0));
  EXPECT_THAT(Compute(std::make_shared<AccuracyOp>(),
                      {{{3}, {1, 3, 3, 1, 3, 3, 2, 2, 0}}, {{}, {1, 2, 0}}}, 3),
              ElementsAre(1, 0, 1));
  GraphMaker maker;
  const NodeId z = maker.Target("z", {3}), label = maker.Labels("label", 3);
  const NodeId weight = maker.Add(std::make_shared<SampleWeightOp>());
  maker.Add(std::make_shared<SoftmaxCrossEntropyGradOp>(), {z, label, weight},
            "out");
  EXPECT_THAT(ValueOf(maker.graph(),
                      {.batch = 1,
                       .tensors = {{"z", logits.values}, {"label", {2}}},
                       .weights = {4},
                       .scale = 2},
                      "out"),
              Pointwise(DoubleNear(1e-14), {1.0, 2.0, -3.0}));
}

TEST(InterpreterTest, InputsAreScaledAndWeighted) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {1}, {.scale = 0.5});
  maker.Loss(maker.Add(std::make_shared<SumOp>(), {x}));
  GraphValues values{.batch = 3, .tensors = {{"x", {2, 4, 6}}}};
  EXPECT_THAT(ValueOf(maker.graph(), values, "x"), ElementsAre(1, 2, 3));
  EXPECT_EQ(*InterpretLoss(maker.graph(), values), 6);
  values.weights = {1, 0, 10};
  values.scale = 0.5;
  EXPECT_EQ(*InterpretLoss(maker.graph(), values), 15.5);
  values.tensors["x"][1] = NAN;  // a lane that does not count
  EXPECT_EQ(*InterpretLoss(maker.graph(), values), 15.5);
}

TEST(InterpreterTest, RefusesValuesThatDoNotFit) {
  GraphMaker maker;
  maker.Input("x", {2});
  maker.Labels("label", 3);
  maker.Add(std::make_shared<SampleWeightOp>());
  const GraphValues good{.batch = 2,
                         .tensors = {{"x", {1, 2, 3, 4}}, {"label", {0, 2}}}};
  EXPECT_TRUE(Interpret(maker.graph(), good).ok());
  auto error = [&](auto change) {
    GraphValues values = good;
    change(values);
    return Interpret(maker.graph(), values).status();
  };
  EXPECT_TRUE(
      IsOneLineError(error([](GraphValues& v) { v.tensors.erase("x"); }),
                     {"x: has no values"}));
  EXPECT_TRUE(
      IsOneLineError(error([](GraphValues& v) { v.tensors["x"].pop_back(); }),
                     {"x: has 3 values, not 4"}));
  EXPECT_TRUE(
      IsOneLineError(error([](GraphValues& v) { v.tensors["label"][1] = 3; }),
                     {"label 3 is none of 3"}));
  EXPECT_TRUE(
      IsOneLineError(error([](GraphValues& v) { v.tensors["label"][1] = -1; }),
                     {"label -1 is none of 3"}));
  EXPECT_TRUE(
      IsOneLineError(error([](GraphValues& v) { v.tensors["label"][1] = 0.5; }),
                     {"label 0.5 is none of 3"}));
  EXPECT_TRUE(IsOneLineError(error([](GraphValues& v) { v.weights = {1}; }),
                             {"one weight per sample"}));
}

}  // namespace
}  // namespace kiln
