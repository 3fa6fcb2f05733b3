// The emitted elementary functions against double precision, over their whole
// range, with the worst error in units in the last place.
#include "generators/math.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "tests/support/report.h"
#include "tests/support/rounded.h"

namespace kiln {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// One float in so many, a prime so that no exponent or mantissa pattern is
// favoured: some 17 million values. KILN_ULP_STEP=1 takes all 4 billion, a few
// minutes a function.
uint64_t Step() {
  const char* step = std::getenv("KILN_ULP_STEP");
  return step == nullptr ? 251 : std::max(1, std::atoi(step));
}

// The float32 numbers of the range, infinities and NaN left out, a million at
// a time.
void ForEachMillion(
    const std::function<void(const std::vector<float>&)>& visit) {
  std::vector<float> values;
  for (uint64_t bits = 0; bits <= 0xffffffff; bits += Step()) {
    const float value = FromBits(static_cast<uint32_t>(bits));
    if (std::isfinite(value)) values.push_back(value);
    if (values.size() == 1 << 20) {
      visit(values);
      values.clear();
    }
  }
  visit(values);
}

using Function = Halide::Expr (*)(const Halide::Expr&);

// The function as emitted, compiled once.
class Emitted {
 public:
  explicit Emitted(Function function) : in_(Halide::Float(32), 1), f_("f") {
    Halide::Var i("i");
    f_(i) = function(in_(i));
    f_.vectorize(i, 16, Halide::TailStrategy::GuardWithIf);
  }

  std::vector<float> operator()(const std::vector<float>& inputs) {
    const int count = static_cast<int>(inputs.size());
    in_.set(Halide::Buffer<float>(const_cast<float*>(inputs.data()), count));
    Halide::Buffer<float> out = f_.realize({count});
    return {out.begin(), out.end()};
  }

 private:
  Halide::ImageParam in_;
  Halide::Func f_;
};

std::vector<float> Apply(Function function, const std::vector<float>& inputs) {
  return Emitted(function)(inputs);
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

double WorstUlp(const std::string& name, Function function,
                double (*exact)(double), float least = -kInfinity) {
  Emitted emitted(function);
  double worst = 0;
  float where = 0;
  int64_t count = 0;
  ForEachMillion([&](std::vector<float> inputs) {
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                                [&](float x) { return x < least; }),
                 inputs.end());
    if (inputs.empty()) return;
    count += static_cast<int64_t>(inputs.size());
    const std::vector<float> outputs = emitted(inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const double error = UlpError(outputs[i], exact(inputs[i]));
      if (error > worst) {
        worst = error;
        where = inputs[i];
      }
    }
  });
  EXPECT_GT(count, 0);
  ReportLine(absl::StrFormat(
      "%s: worst error %.3f ulp, at %.9g, of %d float32 numbers", name, worst,
      where, count));
  return worst;
}

TEST(MathTest, TanhWithinItsStatedError) {
  EXPECT_LE(WorstUlp("tanh", EmitTanh, std::tanh), kTanhUlp);
}

// 1 - y^2 is the derivative; it must not turn negative.
TEST(MathTest, TanhNeverPassesOne) {
  Emitted emitted(EmitTanh);
  ForEachMillion([&](const std::vector<float>& inputs) {
    for (float y : emitted(inputs)) ASSERT_LE(std::fabs(y), 1.0f);
  });
}

TEST(MathTest, ExpWithinItsStatedError) {
  EXPECT_LE(WorstUlp("exp", EmitExp, std::exp), kExpUlp);
}

TEST(MathTest, LogWithinItsStatedError) {
  EXPECT_LE(WorstUlp("log", EmitLog, std::log,
                     std::numeric_limits<float>::denorm_min()),
            kLogUlp);
}

TEST(MathTest, SigmoidWithinItsStatedError) {
  EXPECT_LE(WorstUlp("sigmoid", EmitSigmoid,
                     [](double x) { return 1 / (1 + std::exp(-x)); }),
            kSigmoidUlp);
}

TEST(MathTest, SqrtWithinItsStatedError) {
  EXPECT_LE(WorstUlp("sqrt", EmitSqrt, std::sqrt, 0), kSqrtUlp);
}

TEST(MathTest, NanGivesNan) {
  const std::vector<float> nan(32, std::numeric_limits<float>::quiet_NaN());
  for (auto* function : {EmitExp, EmitLog, EmitTanh, EmitSigmoid, EmitSqrt}) {
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
  EXPECT_EQ(Apply(EmitSqrt, {0.0f, kInfinity, 4.0f}),
            (std::vector<float>{0, kInfinity, 2}));
  EXPECT_TRUE(std::isnan(Apply(EmitSqrt, {-1.0f})[0]));
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
