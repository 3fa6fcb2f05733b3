#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "dsl/ops/avg_pool.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "tests/dsl/algebra_side.h"

namespace kiln {
namespace {

class AlgebraLayersTest : public AlgebraPairsTest {};

// The kernel of an average pool: 1 / area from each channel to itself.
TEST_F(AlgebraLayersTest, AnAveragePoolIsAConvolution) {
  const PoolGeometry geometries[] = {
      {2, 2, 0}, {3, 1, 1}, {{2, 3}, {3, 1}, {1, 0}}, {{4, 2}, {1, 3}, {2, 1}}};
  for (const PoolGeometry& g : geometries) {
    for (const Shape& image : {Shape{1, 5, 4}, Shape{3, 6, 7}}) {
      SCOPED_TRACE(g.ToString());
      const Vector x = RandomVector(ElementCount(image), 1);
      const int64_t area = g.kernel.height * g.kernel.width, c = image[0];
      Vector weight(c * c * area);
      for (int64_t i = 0; i < c; ++i) {
        for (int64_t k = 0; k < area; ++k)
          weight[(i * c + i) * area + k] = 1 / static_cast<double>(area);
      }
      Side a(image, x), b(image, x);
      a.Op(std::make_shared<AvgPoolOp>(g));
      b.Parameter("weight", {c, c, g.kernel.height, g.kernel.width}, weight)
          .Op(std::make_shared<Conv2dOp>(
              Conv2dGeometry{g.kernel, g.stride, g.padding}));
      RunBoth(&a, &b);
    }
  }
}

TEST_F(AlgebraLayersTest, APoolOfOneElementIsTheIdentity) {
  for (const Shape& image : {Shape{1, 1, 1}, Shape{3, 4, 5}, Shape{2, 1, 7}}) {
    const Vector x = RandomVector(ElementCount(image), 1);
    for (const bool is_max : {false, true}) {
      const PoolGeometry one{1, 1, 0};
      Side a(image, x), b(image, x);
      a.Op(is_max ? OpPtr(std::make_shared<MaxPoolOp>(one))
                  : OpPtr(std::make_shared<AvgPoolOp>(one)));
      b.Op(std::make_shared<PadOp>(0));
      RunBoth(&a, &b);
      EXPECT_EQ(a.value, b.value);  // no arithmetic at all
      Vector trained;
      for (const double scale : {1.0, -1.5}) {
        for (double v : x) trained.push_back(scale * v);
      }
      EXPECT_EQ(a.value, trained);
    }
  }
}

// Written from the definition: the largest of each window, and its adjoint to
// the place where it was.
TEST_F(AlgebraLayersTest, AMaxPoolIsTheLargestOfEachWindow) {
  const PoolGeometry geometries[] = {{2, 1, 0},
                                     {3, 1, 0},
                                     {{1, 4}, 1, 0},
                                     {{3, 2}, 1, 1},
                                     {{2, 3}, {2, 1}, {1, 0}}};
  for (const PoolGeometry& g : geometries) {
    SCOPED_TRACE(g.ToString());
    const Shape image = {2, 5, 6};
    const Vector x = SpreadValues(ElementCount(image), 1);
    Side a(image, x);
    a.Op(std::make_shared<MaxPoolOp>(g));
    const Shape out = a.OutputShape();
    const Vector u = RandomVector(kBatch * ElementCount(out), 17);
    a.Run(u);
    Vector value(u.size()), d_x(x.size());
    const double weights[] = {0.75, 1.25};
    for (size_t k = 0; k < u.size(); ++k) {
      const int64_t n = k / ElementCount(out),
                    c = k / (out[1] * out[2]) % out[0], y = k / out[2] % out[1],
                    column = k % out[2];
      value[k] = -std::numeric_limits<double>::infinity();
      size_t place = 0;
      for (int64_t i = 0; i < image[1]; ++i) {
        for (int64_t j = 0; j < image[2]; ++j) {
          const int64_t top = y * g.stride.height - g.padding.height,
                        left = column * g.stride.width - g.padding.width;
          const bool inside = i >= top && i < top + g.kernel.height &&
                              j >= left && j < left + g.kernel.width;
          const size_t here = (c * image[1] + i) * image[2] + j;
          if (!inside || kSamples[n] * x[here] <= value[k]) continue;
          value[k] = kSamples[n] * x[here];
          place = here;
        }
      }
      d_x[place] += weights[n] * kSamples[n] * u[k];
    }
    EXPECT_EQ(a.value, value);
    ExpectSame("gradient of x", a.gradients.at("x"), d_x);
    ++pairs_;
  }
}

Vector Product(const Vector& a, const Vector& b, int64_t rows, int64_t inner,
               int64_t columns) {
  Vector product(rows * columns);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t k = 0; k < inner; ++k)
        product[i * columns + j] += a[i * inner + k] * b[k * columns + j];
    }
  }
  return product;
}

Vector Transposed(const Vector& a, int64_t rows, int64_t columns) {
  Vector result(a.size());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j)
      result[j * rows + i] = a[i * columns + j];
  }
  return result;
}

// W2 (W1 x + b1) + b2 = M x + c. With G, g the gradients of M and c:
// d W1 = W2^T G, d b1 = W2^T g, d W2 = G W1^T + g b1^T, d b2 = g.
TEST_F(AlgebraLayersTest, TwoDenseLayersAreOneWithTheProduct) {
  const int64_t sizes[][3] = {{1, 1, 1}, {4, 3, 2}, {2, 7, 5}, {9, 1, 3}};
  for (const auto& [in, middle, out] : sizes) {
    const Vector x = RandomVector(in, 1), w1 = RandomVector(middle * in, 2),
                 b1 = RandomVector(middle, 3),
                 w2 = RandomVector(out * middle, 4), b2 = RandomVector(out, 5);
    Side a({in}, x), b({in}, x);
    a.Parameter("w1", {middle, in}, w1)
        .Parameter("b1", {middle}, b1)
        .Op(std::make_shared<DenseOp>())
        .Parameter("w2", {out, middle}, w2)
        .Parameter("b2", {out}, b2)
        .Op(std::make_shared<DenseOp>());
    Vector c = Product(w2, b1, out, middle, 1);
    for (int64_t i = 0; i < out; ++i) c[i] += b2[i];
    b.Parameter("m", {out, in}, Product(w2, w1, out, middle, in))
        .Parameter("c", {out}, c)
        .Op(std::make_shared<DenseOp>());
    RunBoth(&a, &b);
    const Vector &gm = b.gradients.at("m"), &gc = b.gradients.at("c"),
                 w2_t = Transposed(w2, out, middle);
    ExpectSame("d W1", a.gradients.at("w1"),
               Product(w2_t, gm, middle, out, in));
    ExpectSame("d b1", a.gradients.at("b1"), Product(w2_t, gc, middle, out, 1));
    Vector d_w2 = Product(gm, Transposed(w1, middle, in), out, in, middle);
    for (int64_t i = 0; i < out * middle; ++i)
      d_w2[i] += gc[i / middle] * b1[i % middle];
    ExpectSame("d W2", a.gradients.at("w2"), d_w2);
    ExpectSame("d b2", a.gradients.at("b2"), gc);
  }
}

}  // namespace
}  // namespace kiln
