#include <memory>
#include <string>
#include <vector>

#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/pad.h"
#include "tests/dsl/algebra_side.h"

namespace kiln {
namespace {

class AlgebraConvolutionsTest : public AlgebraPairsTest {};

struct Convolution {
  Shape image;
  int64_t filters;
  Conv2dGeometry geometry;

  Shape WeightShape() const {
    return {filters, image[0], geometry.kernel.height, geometry.kernel.width};
  }
  OpPtr Op() const { return std::make_shared<Conv2dOp>(geometry); }
};

const Convolution kConvolutions[] = {
    {{1, 4, 4}, 1, {.kernel = 3}},
    {{3, 5, 4}, 2, {.kernel = {2, 3}}},
    {{2, 7, 6}, 3, {.kernel = 3, .stride = 2}},
    {{2, 4, 5}, 2, {.kernel = {3, 2}, .padding = {2, 1}}},
    {{1, 6, 9}, 4, {.kernel = {2, 3}, .stride = {1, 3}, .padding = {0, 2}}},
    {{2, 5, 5}, 2, {.kernel = 2, .stride = 3, .padding = 1}},
    {{3, 3, 3}, 2, {.kernel = 1}},
};

// Each entry (o, y, x; c, i, j) of the matrix is the kernel's (o, c, i - y s +
// p, j - x s + p), where there is one.
TEST_F(AlgebraConvolutionsTest, AConvolutionIsADenseLayerWithASparseMatrix) {
  for (const Convolution& conv : kConvolutions) {
    SCOPED_TRACE(conv.geometry.ToString());
    const Shape w = conv.WeightShape();
    const Vector x = RandomVector(ElementCount(conv.image), 1),
                 weight = RandomVector(ElementCount(w), 2),
                 bias = RandomVector(conv.filters, 3);
    Side a(conv.image, x);
    a.Parameter("weight", w, weight).Parameter("bias", {conv.filters}, bias);
    a.Op(conv.Op());
    const Shape out = a.OutputShape();
    const int64_t rows = ElementCount(out), columns = ElementCount(conv.image);
    Vector matrix(rows * columns), offsets(rows);
    std::vector<int64_t> shared(matrix.size(), -1);
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t o = row / (out[1] * out[2]), y = row / out[2] % out[1],
                    place = row % out[2];
      offsets[row] = bias[o];
      for (int64_t column = 0; column < columns; ++column) {
        const int64_t c = column / (conv.image[1] * conv.image[2]),
                      i = column / conv.image[2] % conv.image[1],
                      j = column % conv.image[2];
        const int64_t r = i - y * conv.geometry.stride.height +
                          conv.geometry.padding.height,
                      s = j - place * conv.geometry.stride.width +
                          conv.geometry.padding.width;
        if (r < 0 || r >= w[2] || s < 0 || s >= w[3]) continue;
        shared[row * columns + column] = ((o * w[1] + c) * w[2] + r) * w[3] + s;
        matrix[row * columns + column] = weight[shared[row * columns + column]];
      }
    }
    Side b({columns}, x);
    b.Parameter("matrix", {rows, columns}, matrix)
        .Parameter("offsets", {rows}, offsets);
    b.Op(std::make_shared<DenseOp>());
    RunBoth(&a, &b);
    Vector d_weight(weight.size()), d_bias(bias.size());
    for (size_t entry = 0; entry < shared.size(); ++entry) {
      if (shared[entry] >= 0)
        d_weight[shared[entry]] += b.gradients.at("matrix")[entry];
    }
    for (int64_t row = 0; row < rows; ++row)
      d_bias[row / (out[1] * out[2])] += b.gradients.at("offsets")[row];
    ExpectSame("gradient of the kernel", a.gradients.at("weight"), d_weight);
    ExpectSame("gradient of the bias", a.gradients.at("bias"), d_bias);
  }
}

TEST_F(AlgebraConvolutionsTest, AKernelOfTheWholeImageIsADenseLayer) {
  for (const Shape& image : {Shape{1, 3, 3}, Shape{3, 2, 5}, Shape{2, 1, 4}}) {
    const int64_t size = ElementCount(image);
    const Vector x = RandomVector(size, 1), weight = RandomVector(4 * size, 2),
                 bias = RandomVector(4, 3);
    const Conv2dGeometry geometry{.kernel = {image[1], image[2]}};
    Side a(image, x), b({size}, x);
    a.Parameter("weight", {4, image[0], image[1], image[2]}, weight)
        .Parameter("bias", {4}, bias)
        .Op(std::make_shared<Conv2dOp>(geometry));
    b.Parameter("weight", {4, size}, weight)
        .Parameter("bias", {4}, bias)
        .Op(std::make_shared<DenseOp>());
    RunBoth(&a, &b);
    ExpectSameGradients(a, b, {"weight", "bias"});
  }
}

TEST_F(AlgebraConvolutionsTest, PaddingIsALayerOrAnOption) {
  for (const Convolution& conv : kConvolutions) {
    for (const Size2& padding : {Size2(1), Size2(2, 1), Size2(0, 3)}) {
      Convolution padded = conv, plain = conv;
      padded.geometry.padding = padding;
      plain.geometry.padding = 0;
      const Vector x = RandomVector(ElementCount(conv.image), 1),
                   weight = RandomVector(ElementCount(conv.WeightShape()), 2);
      Side a(conv.image, x), b(conv.image, x);
      a.Op(std::make_shared<PadOp>(padding))
          .Parameter("weight", conv.WeightShape(), weight)
          .Op(plain.Op());
      b.Parameter("weight", conv.WeightShape(), weight).Op(padded.Op());
      RunBoth(&a, &b);
      ExpectSameGradients(a, b, {"weight"});
    }
  }
}

// One sample of the dense layer for each pixel of each image.
TEST_F(AlgebraConvolutionsTest, AKernelOfOnePixelIsADenseLayerPerPixel) {
  for (const Shape& image : {Shape{1, 2, 2}, Shape{3, 4, 3}, Shape{5, 1, 6}}) {
    const int64_t filters = 4, channels = image[0],
                  pixels = image[1] * image[2];
    const Vector x = RandomVector(ElementCount(image), 1),
                 weight = RandomVector(filters * channels, 2),
                 bias = RandomVector(filters, 3),
                 covector = RandomVector(kBatch * filters * pixels, 4);
    Side a(image, x);
    a.Parameter("weight", {filters, channels, 1, 1}, weight)
        .Parameter("bias", {filters}, bias)
        .Op(std::make_shared<Conv2dOp>(Conv2dGeometry{.kernel = 1}));
    a.Run(covector);
    Vector value(covector.size()), d_weight(weight.size()), d_bias(filters),
        d_x(x.size());
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      Vector of_pixel(channels), u(kBatch * filters);
      for (int64_t c = 0; c < channels; ++c)
        of_pixel[c] = x[c * pixels + pixel];
      for (int64_t k = 0; k < kBatch * filters; ++k)
        u[k] = covector[k * pixels + pixel];
      Side b({channels}, of_pixel);
      b.Parameter("weight", {filters, channels}, weight)
          .Parameter("bias", {filters}, bias)
          .Op(std::make_shared<DenseOp>());
      b.Run(u);
      for (int64_t k = 0; k < kBatch * filters; ++k)
        value[k * pixels + pixel] = b.value[k];
      for (size_t i = 0; i < weight.size(); ++i)
        d_weight[i] += b.gradients.at("weight")[i];
      for (int64_t i = 0; i < filters; ++i)
        d_bias[i] += b.gradients.at("bias")[i];
      for (int64_t c = 0; c < channels; ++c)
        d_x[c * pixels + pixel] = b.gradients.at("x")[c];
    }
    ExpectSame("value", a.value, value);
    ExpectSame("gradient of the kernel", a.gradients.at("weight"), d_weight);
    ExpectSame("gradient of the bias", a.gradients.at("bias"), d_bias);
    ExpectSame("gradient of x", a.gradients.at("x"), d_x);
    ++pairs_;
  }
}

}  // namespace
}  // namespace kiln
