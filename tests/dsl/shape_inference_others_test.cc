// The type rules of all ops but layers: what each gives, and the phrase for
// what it refuses.
#include <memory>
#include <utility>
#include <vector>

#include "dsl/graph.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/batch_norm.h"
#include "dsl/ops/channel_affine.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/input.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/parameter.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/random.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sample_weight.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"
#include "gtest/gtest.h"
#include "tests/dsl/shape_inference.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

TEST(ShapeInferenceTest, PadCropReshapeSumBroadcast) {
  CheckRules({
      {"pad",
       std::make_shared<PadOp>(Size2(1, 2)),
       {Sample({3, 9, 8})},
       "3x11x12 per sample"},
      {"pad by less",
       std::make_shared<PadOp>(-1),
       {Sample({3, 9, 8})},
       "padding -1x-1 must be 0 or more"},
      {"pad a vector",
       std::make_shared<PadOp>(1),
       {Sample({3})},
       "padding needs an image"},
      {"crop",
       std::make_shared<CropOp>(Size2(1, 2)),
       {Sample({3, 9, 8})},
       "3x7x4 per sample"},
      {"crop all",
       std::make_shared<CropOp>(Size2(1, 4)),
       {Sample({3, 9, 8})},
       "cannot crop a border of 1x4"},
      {"reshape",
       std::make_shared<ReshapeOp>(Shape{2, 6}),
       {Sample({3, 4})},
       "2x6 per sample"},
      {"reshape, count",
       std::make_shared<ReshapeOp>(Shape{5}),
       {Sample({3, 2})},
       "cannot give 3x2 per sample the shape 5"},
      {"reshape a parameter",
       std::make_shared<ReshapeOp>(Shape{6}),
       {Batch({3, 2})},
       "cannot give 3x2 the shape 6"},
      {"sum",
       std::make_shared<SumOp>(),
       {Sample({3, 9, 8})},
       "scalar per sample"},
      {"sum a parameter",
       std::make_shared<SumOp>(),
       {Batch({3})},
       "cannot sum 3"},
      {"broadcast",
       std::make_shared<BroadcastOp>(Shape{2, 3}),
       {Sample({})},
       "2x3 per sample"},
      {"broadcast a vector",
       std::make_shared<BroadcastOp>(Shape{2, 3}),
       {Sample({3})},
       "only a scalar"},
  });
}

TEST(ShapeInferenceTest, Pointwise) {
  const auto op = [](ScalarExpr value, std::vector<ScalarExpr> partials = {}) {
    return std::make_shared<PointwiseOp>("f", std::move(value),
                                         std::move(partials));
  };
  CheckRules({
      {"one", op(Tanh(Arg(0))), {Sample({3, 2})}, "3x2 per sample"},
      {"two",
       op(Arg(0) * Arg(1)),
       {Sample({}), Sample({})},
       "scalar per sample"},
      {"none", op(1), {}, "a pointwise op needs an input"},
      {"argument",
       op(Arg(0) + Arg(2)),
       {Sample({3}), Sample({3})},
       "reads a2 of 2 inputs"},
      {"shapes",
       op(Arg(0) + Arg(1)),
       {Sample({3}), Sample({4})},
       "must agree: 3 per sample and 4 per sample"},
      {"a parameter",
       op(Arg(0) + Arg(1)),
       {Sample({3}), Batch({3})},
       "must agree: 3 per sample and 3"},
      {"integers", op(Arg(0)), {Int({})}, "must agree"},
      {"partials",
       op(Arg(0), {1, 1}),
       {Sample({3})},
       "2 derivatives are declared for 1 inputs"},
      {"partial of the output",
       op(Tanh(Arg(0)), {1 - Arg(1) * Arg(1)}),
       {Sample({3})},
       "3 per sample"},
      {"partial of more",
       op(Tanh(Arg(0)), {Arg(2)}),
       {Sample({3})},
       "reads more than the inputs and the output"},
  });
}

TEST(ShapeInferenceTest, ChannelAffine) {
  const auto affine = std::make_shared<ChannelAffineOp>();
  CheckRules({
      {"an image",
       affine,
       {Sample({3, 9, 8}), Batch({3}), Batch({3})},
       "3x9x8 per sample"},
      {"features without a shift",
       affine,
       {Sample({5}), Batch({5})},
       "5 per sample"},
      {"two dimensions",
       affine,
       {Sample({3, 9}), Batch({3})},
       "needs features {F} or an image {C, H, W}, not 3x9 per sample"},
      {"a parameter", affine, {Batch({3}), Batch({3})}, "not 3"},
      {"labels", affine, {Int({3}), Batch({3})}, "not int32 3 per sample"},
      {"another scale",
       affine,
       {Sample({3, 9, 8}), Batch({4})},
       "the scale is 4, not 3: one number a channel"},
      {"a scale per sample",
       affine,
       {Sample({3}), Sample({3})},
       "the scale is 3 per sample, not 3"},
      {"another shift",
       affine,
       {Sample({3}), Batch({3}), Batch({3, 1})},
       "the shift is 3x1, not 3"},
  });
}

TEST(ShapeInferenceTest, BatchNormalisation) {
  const auto mean = std::make_shared<BatchMeanOp>();
  const auto variance = std::make_shared<BatchVarianceOp>();
  const auto norm = std::make_shared<BatchNormOp>(1e-5);
  const TensorType image = Sample({3, 9, 8}), c = Batch({3});
  CheckRules({
      {"mean", mean, {image, c}, "3"},
      {"mean of a parameter", mean, {c, c}, "a batch's mean needs features"},
      {"another running mean", mean, {image, Batch({4})}, "running mean is 4"},
      {"its gradient",
       std::make_shared<BatchMeanGradOp>(Shape{3, 9, 8}),
       {c},
       "3x9x8 per sample"},
      {"of another",
       std::make_shared<BatchMeanGradOp>(Shape{3, 9, 8}),
       {Batch({9})},
       "the adjoint is 9, not 3"},
      {"variance", variance, {image, c, c}, "3"},
      {"another mean", variance, {image, Batch({2}), c}, "the mean is 2"},
      {"another running variance",
       variance,
       {image, c, Sample({3})},
       "the running variance is 3 per sample"},
      {"its gradient",
       std::make_shared<BatchVarianceGradOp>(),
       {c, image, c},
       "3x9x8 per sample"},
      {"unbiased", std::make_shared<UnbiasedVarianceOp>(72), {c}, "3"},
      {"unbiased of an image",
       std::make_shared<UnbiasedVarianceOp>(72),
       {image},
       "is no 3x9x8 per sample"},
      {"features", norm, {Sample({3}), c, c}, "3 per sample"},
      {"with weights", norm, {image, c, c, c, c}, "3x9x8 per sample"},
      {"with a weight alone", norm, {image, c, c, c}, "needs a bias beside"},
      {"another bias", norm, {image, c, c, c, Batch({1})}, "the bias is 1"},
  });
}

TEST(ShapeInferenceTest, LossesAndSources) {
  const auto loss = std::make_shared<SoftmaxCrossEntropyOp>();
  const auto d_loss = std::make_shared<SoftmaxCrossEntropyGradOp>();
  CheckRules({
      {"loss", loss, {Sample({10}), Int({})}, "scalar per sample"},
      {"accuracy",
       std::make_shared<AccuracyOp>(),
       {Sample({10}), Int({})},
       "scalar per sample"},
      {"d_loss", d_loss, {Sample({10}), Int({}), Sample({})}, "10 per sample"},
      {"an image of logits",
       loss,
       {Sample({10, 1, 1}), Int({})},
       "the logits must be a vector"},
      {"float labels",
       loss,
       {Sample({10}), Sample({})},
       "the label must be an int32 scalar"},
      {"adjoint",
       d_loss,
       {Sample({10}), Int({}), Sample({10})},
       "the adjoint of a loss is a scalar"},
      {"input",
       std::make_shared<InputOp>(Shape{1, 2, 3}, InputFormat{}),
       {},
       "1x2x3 per sample"},
      {"input of 4 dimensions",
       std::make_shared<InputOp>(Shape{1, 2, 3, 4}, InputFormat{}),
       {},
       "1 to 3 dimensions, not 4"},
      {"class", TargetOp::Class(10), {}, "int32 scalar per sample"},
      {"value", TargetOp::Value({2}), {}, "2 per sample"},
      {"no class", TargetOp::Class(0), {}, "at least 1 class"},
      {"parameter",
       std::make_shared<ParameterOp>(ParameterSpec{{2, 3}, {}}),
       {},
       "2x3"},
      {"a scalar parameter",
       std::make_shared<ParameterOp>(ParameterSpec{{}, {}}),
       {},
       "a parameter needs a shape"},
      {"random numbers",
       std::make_shared<RandomOp>(Shape{2, 3}, Distribution::Keep(0.5), 1),
       {},
       "2x3 per sample"},
      {"a rate below 0",
       std::make_shared<RandomOp>(Shape{2}, Distribution::Keep(-0.5), 1),
       {},
       "the rate -0.5 is not"},
      {"an empty interval",
       std::make_shared<RandomOp>(Shape{2}, Distribution::Uniform(1, 0), 1),
       {},
       "no interval"},
      {"too many random numbers",
       std::make_shared<RandomOp>(Shape{1 << 16, 1 << 15},
                                  Distribution::Keep(0.5), 1),
       {},
       "no more than 2^31 - 1 random numbers"},
      {"sample weight",
       std::make_shared<SampleWeightOp>(),
       {},
       "scalar per sample"},
  });
}

// A node that reads no node (a bug in an op's gradient, say) is an error, never
// a crash.
TEST(ShapeInferenceTest, InputsThatAreNoNodesAreErrors) {
  const std::vector<std::pair<OpPtr, int>> ops = {
      {Conv(1), 2},
      {std::make_shared<DenseOp>(), 2},
      {std::make_shared<DenseInputGradOp>(), 2},
      {std::make_shared<DenseWeightGradOp>(), 2},
      {std::make_shared<ChannelAffineOp>(), 2},
      {std::make_shared<MaxPoolOp>(PoolGeometry{}), 1},
      {std::make_shared<AvgPoolOp>(PoolGeometry{}), 1},
      {std::make_shared<PadOp>(1), 1},
      {std::make_shared<SoftmaxCrossEntropyOp>(), 2},
      {std::make_shared<SumOp>(), 1},
  };
  for (const auto& [op, count] : ops) {
    Graph graph;
    EXPECT_FALSE(graph.Add(op, std::vector<NodeId>(count, 7), "n", {}).ok())
        << op->name() << " of no node";
    EXPECT_TRUE(
        IsOneLineError(graph.Add(op, {}, "n", {}), {"does not take 0 inputs"}))
        << op->name();
    EXPECT_FALSE(graph.Add(op, std::vector<NodeId>(count, -1), "n", {}).ok())
        << op->name() << " of node -1";
  }
}

}  // namespace
}  // namespace kiln
