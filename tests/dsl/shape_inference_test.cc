// The type rule of every op: what it gives, and the phrase for what it refuses.
#include <memory>
#include <string>

#include "dsl/graph.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/input.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/parameter.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sample_weight.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

TensorType Sample(Shape shape) {
  return {std::move(shape), DType::kFloat32, true};
}
TensorType Batch(Shape shape) {
  return {std::move(shape), DType::kFloat32, false};
}
TensorType Int(Shape shape) { return {std::move(shape), DType::kInt32, true}; }

struct Rule {
  std::string name;
  OpPtr op;
  std::vector<TensorType> inputs;
  std::string expected;  // the type, or a part of the error
};

void CheckRules(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    const absl::StatusOr<TensorType> type = rule.op->InferType(rule.inputs);
    if (type.ok()) {
      EXPECT_EQ(TypeString(*type), rule.expected) << rule.name;
    } else {
      EXPECT_NE(type.status().message().find(rule.expected), std::string::npos)
          << rule.name << ": " << type.status().message() << "\ndoes not say "
          << rule.expected;
    }
  }
}

OpPtr Conv(Size2 kernel, Size2 stride = 1, Size2 padding = 0) {
  return std::make_shared<Conv2dOp>(Conv2dGeometry{kernel, stride, padding});
}

TEST(ShapeInferenceTest, Conv2d) {
  const auto image = Sample({3, 9, 8});
  CheckRules({
      {"plain", Conv({2, 3}), {image, Batch({5, 3, 2, 3})}, "5x8x6 per sample"},
      {"bias",
       Conv({2, 3}),
       {image, Batch({5, 3, 2, 3}), Batch({5})},
       "5x8x6 per sample"},
      {"stride, padding",
       Conv(3, 2, 1),
       {image, Batch({4, 3, 3, 3})},
       "4x5x4 per sample"},
      {"whole image",
       Conv({9, 8}),
       {image, Batch({1, 3, 9, 8})},
       "1x1x1 per sample"},
      {"too large",
       Conv(9),
       {image, Batch({5, 3, 9, 9})},
       "kernel 9x9 does not fit input 3x9x8"},
      {"channels",
       Conv(2),
       {image, Batch({5, 4, 2, 2})},
       "the weight expects 4 channels, the input has 3"},
      {"kernel",
       Conv(2),
       {image, Batch({5, 3, 2, 3})},
       "the weight 5x3x2x3 is not {out, in, 2, 2}"},
      {"weight's rank",
       Conv(2),
       {image, Batch({5, 3})},
       "the weight 5x3 is not {out, in, 2, 2}"},
      {"weight per sample",
       Conv(2),
       {image, Sample({5, 3, 2, 2})},
       "is not {out, in, 2, 2}"},
      {"bias' size",
       Conv(2),
       {image, Batch({5, 3, 2, 2}), Batch({4})},
       "the bias is 4, not 5"},
      {"a vector",
       Conv(2),
       {Sample({7}), Batch({5, 3, 2, 2})},
       "a convolution needs an image"},
      {"a parameter",
       Conv(2),
       {Batch({3, 9, 8}), Batch({5, 3, 2, 2})},
       "a convolution needs an image"},
      {"integers",
       Conv(2),
       {Int({3, 9, 8}), Batch({5, 3, 2, 2})},
       "a convolution needs an image"},
  });
}

TEST(ShapeInferenceTest, Conv2dGradients) {
  const Conv2dGeometry geometry{.kernel = 3, .stride = 2, .padding = 1};
  const auto d_in =
      std::make_shared<Conv2dInputGradOp>(geometry, Shape{3, 9, 8});
  const auto d_weight = std::make_shared<Conv2dWeightGradOp>(geometry);
  const auto image = Sample({3, 9, 8}), d_out = Sample({4, 5, 4}),
             weight = Batch({4, 3, 3, 3});
  CheckRules({
      {"d_in", d_in, {d_out, weight}, "3x9x8 per sample"},
      {"d_weight without an image",
       d_weight,
       {Sample({7}), d_out},
       "gradient needs an image"},
      {"d_in without an image",
       std::make_shared<Conv2dInputGradOp>(geometry, Shape{7}),
       {d_out, weight},
       "gradient needs an image"},
      {"d_in of another kernel",
       d_in,
       {d_out, Batch({4, 3, 5, 5})},
       "do not give 3x9x8"},
      {"d_in of another image",
       d_in,
       {Sample({4, 5, 5}), weight},
       "do not give 3x9x8"},
      {"d_in of other filters",
       d_in,
       {Sample({5, 5, 4}), weight},
       "do not give 3x9x8"},
      {"d_weight", d_weight, {image, d_out}, "4x3x3x3"},
      {"d_weight of another image",
       d_weight,
       {image, Sample({4, 5, 5})},
       "does not belong to input 3x9x8"},
      {"d_weight of a vector's adjoint",
       d_weight,
       {image, Sample({4})},
       "does not belong to input 3x9x8"},
  });
}

TEST(ShapeInferenceTest, Dense) {
  const auto dense = std::make_shared<DenseOp>();
  CheckRules({
      {"plain", dense, {Sample({3}), Batch({5, 3})}, "5 per sample"},
      {"bias", dense, {Sample({3}), Batch({5, 3}), Batch({5})}, "5 per sample"},
      {"an image",
       dense,
       {Sample({1, 3, 1}), Batch({5, 3})},
       "not 1x3x1 per sample; flatten it first"},
      {"features",
       dense,
       {Sample({4}), Batch({5, 3})},
       "the weight 5x3 is not {out, 4}"},
      {"bias' size",
       dense,
       {Sample({3}), Batch({5, 3}), Batch({3})},
       "the bias is 3, not 5"},
      {"a parameter",
       dense,
       {Batch({3}), Batch({5, 3})},
       "needs a vector of features, not 3"},
      {"d_in",
       std::make_shared<DenseInputGradOp>(),
       {Sample({5}), Batch({5, 3})},
       "3 per sample"},
      {"d_in, adjoint",
       std::make_shared<DenseInputGradOp>(),
       {Sample({3}), Batch({5, 3})},
       "does not belong"},
      {"d_weight",
       std::make_shared<DenseWeightGradOp>(),
       {Sample({3}), Sample({5})},
       "5x3"},
      {"d_weight, image",
       std::make_shared<DenseWeightGradOp>(),
       {Sample({3, 1, 1}), Sample({5})},
       "two vectors"},
      {"batch_sum", std::make_shared<BatchSumOp>(), {Sample({5, 2, 3})}, "5"},
      {"batch_sum of a scalar",
       std::make_shared<BatchSumOp>(),
       {Sample({})},
       "cannot sum scalar per sample"},
      {"batch_sum of a parameter",
       std::make_shared<BatchSumOp>(),
       {Batch({5})},
       "cannot sum 5 over"},
  });
}

TEST(ShapeInferenceTest, Pooling) {
  const PoolGeometry two{}, three{.kernel = 3, .stride = 2, .padding = 1};
  const auto image = Sample({3, 9, 8});
  CheckRules({
      {"max", std::make_shared<MaxPoolOp>(two), {image}, "3x4x4 per sample"},
      {"average",
       std::make_shared<AvgPoolOp>(three),
       {image},
       "3x5x4 per sample"},
      {"index",
       std::make_shared<MaxPoolIndexOp>(two),
       {image},
       "int32 3x4x4 per sample"},
      {"max' gradient",
       std::make_shared<MaxPoolGradOp>(two, image.shape),
       {Int({3, 4, 4}), Sample({3, 4, 4})},
       "3x9x8 per sample"},
      {"average's gradient",
       std::make_shared<AvgPoolGradOp>(three, image.shape),
       {Sample({3, 5, 4})},
       "3x9x8 per sample"},
      {"index is float",
       std::make_shared<MaxPoolGradOp>(two, image.shape),
       {Sample({3, 4, 4}), Sample({3, 4, 4})},
       "does not belong to the pooled image"},
      {"adjoint",
       std::make_shared<AvgPoolGradOp>(two, image.shape),
       {Sample({3, 5, 4})},
       "does not belong"},
      {"too large",
       std::make_shared<MaxPoolOp>(PoolGeometry{10, 1, 0}),
       {image},
       "kernel 10x10 does not fit"},
      {"too much padding",
       std::make_shared<AvgPoolOp>(PoolGeometry{3, 1, 2}),
       {image},
       "more than half the kernel 3x3"},
      {"a vector",
       std::make_shared<MaxPoolOp>(two),
       {Sample({8})},
       "pooling needs an image"},
  });
}

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
