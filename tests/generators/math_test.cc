// The emitted elementary functions against double precision, over their whole
// range, with the worst error in units in the last place.
#include "generators/math.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// Every 251st float, a prime so that no exponent or mantissa pattern is
// favoured: some 17 million values, infinities and NaN left out.
std::vector<float> WholeRange() {
  std::vector<float> values;
  for (uint64_t bits = 0; bits <= 0xffffffff; bits += 251) {
    const float value = FromBits(static_cast<uint32_t>(bits));
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

std::vector<float> Apply(Halide::Expr (*function)(const Halide::Expr&),
                         const std::vector<float>& inputs) {
  const int count = static_cast<int>(inputs.size());
  Halide::Buffer<float> in(const_cast<float*>(inputs.data()), count);
  Halide::Var i("i");
  Halide::Func f("f");
  f(i) = function(in(i));
  f.vectorize(i, 16, Halide::TailStrategy::GuardWithIf);
  Halide::Buffer<float> out = f.realize({count});
  return {out.begin(), out.end()};
}

// |actual - exact| in units of the last place of `exact` as a float.
double UlpError(float actual, double exact) {
  const float rounded = static_cast<float>(exact);
  if (actual == rounded) return 0;
  const float magnitude = std::fabs(rounded);
  if (!std::isfinite(magnitude) || !std::isfinite(actual)) return 1e30;
  const double ulp =
      static_cast<double>(std::nextafter(magnitude, kInfinity)) - magnitude;
  return std::fabs(actual - exact) / ulp;
}

double WorstUlp(Halide::Expr (*function)(const Halide::Expr&),
                const std::function<double(double)>& exact,
                const std::vector<float>& inputs) {
  const std::vector<float> outputs = Apply(function, inputs);
  double worst = 0;
  float where = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const double error = UlpError(outputs[i], exact(inputs[i]));
    if (error > worst) {
      worst = error;
      where = inputs[i];
    }
  }
  std::printf("worst error %.3f ulp, at x = %.9g, of %zu values\n", worst,
              where, inputs.size());
  return worst;
}

TEST(MathTest, TanhWithinItsStatedError) {
  EXPECT_LT(WorstUlp(
                EmitTanh, [](double x) { return std::tanh(x); }, WholeRange()),
            5.2);
}

// 1 - y^2 is the derivative; it must not turn negative.
TEST(MathTest, TanhNeverPassesOne) {
  for (float y : Apply(EmitTanh, WholeRange())) ASSERT_LE(std::fabs(y), 1.0f);
}

TEST(MathTest, ExpWithinItsStatedError) {
  EXPECT_LT(WorstUlp(
                EmitExp, [](double x) { return std::exp(x); }, WholeRange()),
            1.1);
}

TEST(MathTest, LogWithinItsStatedError) {
  std::vector<float> positive;
  for (float x : WholeRange()) {
    if (x > 0) positive.push_back(x);
  }
  EXPECT_LT(WorstUlp(
                EmitLog, [](double x) { return std::log(x); }, positive),
            1.7);
}

TEST(MathTest, SigmoidWithinItsStatedError) {
  EXPECT_LT(WorstUlp(
                EmitSigmoid, [](double x) { return 1 / (1 + std::exp(-x)); },
                WholeRange()),
            2.5);
}

TEST(MathTest, NanGivesNan) {
  const std::vector<float> nan(32, std::numeric_limits<float>::quiet_NaN());
  for (auto* function : {EmitExp, EmitLog, EmitTanh, EmitSigmoid}) {
    for (float value : Apply(function, nan)) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(MathTest, EndsOfTheRange) {
  const std::vector<float> ends = {-kInfinity, kInfinity, 0.0f,
                                   -0.0f,      1e4f,      -1e4f};
  EXPECT_EQ(Apply(EmitExp, ends),
            (std::vector<float>{0, kInfinity, 1, 1, kInfinity, 0}));
  for (float y : Apply(EmitTanh, {kInfinity, 1e4f, 20, 9.5f})) {
    EXPECT_GE(y, 1 - 6e-8f);  // 1 or the largest float below
  }
  EXPECT_EQ(Apply(EmitTanh, {0.0f, -0.0f}), (std::vector<float>{0, 0}));
  EXPECT_EQ(Apply(EmitSigmoid, ends),
            (std::vector<float>{0, 1, 0.5f, 0.5f, 1, 0}));
  EXPECT_EQ(Apply(EmitLog, {0.0f, kInfinity, 1.0f}),
            (std::vector<float>{-kInfinity, kInfinity, 0}));
  EXPECT_TRUE(std::isnan(Apply(EmitLog, {-1.0f})[0]));
}

// max and min in an expression: NaN from either side is NaN, not the other
// operand.
TEST(MathTest, ExtremaKeepNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> a = {nan, 1, nan, 2, -3, 0};
  const std::vector<float> b = {1, nan, nan, 1, 5, 0};
  Halide::Buffer<float> in_a(const_cast<float*>(a.data()), 6);
  Halide::Buffer<float> in_b(const_cast<float*>(b.data()), 6);
  Halide::Var i("i");
  Halide::Func larger("larger"), relu("relu");
  larger(i) = Emit(Max(Arg(0), Arg(1)), {in_a(i), in_b(i)});
  relu(i) = Emit(Max(Arg(0), 0), {in_a(i)});
  const Halide::Buffer<float> max_out = larger.realize({6});
  const Halide::Buffer<float> relu_out = relu.realize({6});
  for (int k = 0; k < 3; ++k) EXPECT_TRUE(std::isnan(max_out(k))) << k;
  EXPECT_EQ(max_out(3), 2);
  EXPECT_EQ(max_out(4), 5);
  EXPECT_TRUE(std::isnan(relu_out(0)));
  EXPECT_EQ(relu_out(3), 2);
  EXPECT_EQ(relu_out(4), 0);
}

}  // namespace
}  // namespace kiln
