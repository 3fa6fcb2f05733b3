// The type rules of layers: what each gives, and the phrase for what it
// refuses.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dsl/model.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "gtest/gtest.h"
#include "tests/dsl/shape_inference.h"

namespace kiln {
namespace {

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

// A pool's stride in every way it can be written.
TEST(ShapeInferenceTest, StrideOfAPool) {
  ModelBuilder m;
  const Value image = m.Input("image", {1, 13, 12});
  const auto shape = [&](const PoolOptions& options) {
    return ShapeString(m.TypeOf(m.MaxPool(image, options)).shape);
  };
  EXPECT_EQ(shape({.kernel = 3}), "1x4x4");
  EXPECT_EQ(shape({.kernel = 3, .stride = std::nullopt}), "1x4x4");
  EXPECT_EQ(shape({.kernel = 3, .stride = {}}), "1x4x4");
  EXPECT_EQ(shape({.kernel = 3, .stride = 2}), "1x6x5");
  EXPECT_EQ(shape({.kernel = 3, .stride = {2}}), "1x6x5");
  EXPECT_EQ(shape({.kernel = 3, .stride = {1, 5}}), "1x11x2");
  EXPECT_EQ(shape({.kernel = 3, .stride = Size2(1, 5)}), "1x11x2");
  EXPECT_EQ(shape({3, {5, 1}, 1}), "1x3x12");
  const int64_t stride = 4;
  const std::optional<Size2> optional = Size2(4);
  EXPECT_EQ(shape({.kernel = 3, .stride = stride}), "1x3x3");
  EXPECT_EQ(shape({.kernel = 3, .stride = {stride, stride}}), "1x3x3");
  EXPECT_EQ(shape({.kernel = 3, .stride = optional}), "1x3x3");
  PoolOptions options;
  options.stride = {3, 4};
  EXPECT_EQ(shape(options), "1x4x3");
}

}  // namespace
}  // namespace kiln
