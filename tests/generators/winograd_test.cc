// Winograd's transforms against the definition: that they are the correlation
// and its adjoints, exactly, and what they cost in rounding.
#include "generators/winograd.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Vector = std::vector<double>;
using Transform = std::function<Winograd::Elements(const Winograd::Elements&)>;

// The transform's columns: what it makes of each unit vector, in double.
std::vector<Vector> Columns(int inputs, const Transform& transform) {
  std::vector<Vector> columns;
  for (int j = 0; j < inputs; ++j) {
    Winograd::Elements unit;
    for (int i = 0; i < inputs; ++i)
      unit.push_back(Halide::Internal::make_const(Halide::Float(64), i == j));
    Vector column;
    for (const Halide::Expr& e : transform(unit)) {
      const auto value =
          Halide::Internal::as_const_float(Halide::Internal::simplify(e));
      column.push_back(value.value_or(NAN));
    }
    columns.push_back(column);
  }
  return columns;
}

struct Matrices {
  std::vector<Vector> taps, outputs, window;  // G, A and B^T by columns
  std::vector<Vector> taps_back, outputs_back, window_back;
};

Matrices MatricesOf(const Winograd& filter) {
  const int m = filter.outputs(), r = filter.taps(), points = filter.points();
  const auto evaluate = [&](const Winograd::Elements& e) {
    return filter.Evaluate(e);
  };
  return {
      Columns(
          r, [&](const auto& e) { return filter.Divided(filter.Evaluate(e)); }),
      Columns(m, evaluate),
      Columns(points, [&](const auto& e) { return filter.Window(e); }),
      Columns(points,
              [&](const auto& e) {
                return filter.EvaluateTransposed(filter.Divided(e), r);
              }),
      Columns(points,
              [&](const auto& e) { return filter.EvaluateTransposed(e, m); }),
      Columns(points,
              [&](const auto& e) { return filter.WindowTransposed(e); })};
}

class WinogradTest : public testing::TestWithParam<std::pair<int, int>> {
 protected:
  const Winograd filter_{GetParam().first, GetParam().second};
};

// Bilinear, so the unit vectors are all cases.
TEST_P(WinogradTest, IsTheCorrelation) {
  const Matrices of = MatricesOf(filter_);
  for (int tap = 0; tap < filter_.taps(); ++tap) {
    for (int input = 0; input < filter_.points(); ++input) {
      for (int output = 0; output < filter_.outputs(); ++output) {
        double y = 0;
        for (int p = 0; p < filter_.points(); ++p)
          y += of.outputs[output][p] * of.taps[tap][p] * of.window[input][p];
        EXPECT_NEAR(y, input == output + tap, 1e-14)
            << "tap " << tap << ", input " << input << ", output " << output;
      }
    }
  }
}

void ExpectTransposes(const std::vector<Vector>& a,
                      const std::vector<Vector>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j)
      EXPECT_DOUBLE_EQ(a[i][j], b[j][i]) << i << ", " << j;
  }
}

TEST_P(WinogradTest, TransposesAreTransposes) {
  const Matrices of = MatricesOf(filter_);
  ExpectTransposes(of.taps, of.taps_back);
  ExpectTransposes(of.outputs, of.outputs_back);
  ExpectTransposes(of.window, of.window_back);
}

// An output does not read a row beside its own taps, not even to lose it in
// rounding: what is NaN there stays out.
TEST_P(WinogradTest, FirstAndLastInputsReachTheirOutputAlone) {
  const Matrices of = MatricesOf(filter_);
  const int last = filter_.points() - 1, m = filter_.outputs();
  for (int p = 0; p <= last; ++p) {
    for (int output = 1; output < m; ++output)
      EXPECT_EQ(of.window[0][p] * of.outputs[output][p], 0) << p;
    for (int output = 0; output + 1 < m; ++output)
      EXPECT_EQ(of.window[last][p] * of.outputs[output][p], 0) << p;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, WinogradTest,
                         testing::Values(std::pair(2, 3), std::pair(2, 5),
                                         std::pair(4, 3), std::pair(4, 5)));

// In float32, of sums over 6 channels of random numbers: the error's root mean
// square relative to that of the plain sum.
double ErrorRatio(const Winograd& filter) {
  const Matrices of = MatricesOf(filter);
  const int kChannels = 6, kCases = 20000;
  std::mt19937 random(1);
  std::uniform_real_distribution<float> number(-1, 1);
  double plain_error = 0, error = 0;
  for (int i = 0; i < kCases; ++i) {
    std::vector<float> products(filter.points());
    float plain = 0;
    double exact = 0;
    for (int c = 0; c < kChannels; ++c) {
      std::vector<float> taps(filter.taps()), inputs(filter.points());
      for (float& tap : taps) tap = number(random);
      for (float& input : inputs) input = number(random);
      for (int t = 0; t < filter.taps(); ++t) {
        plain += taps[t] * inputs[t];
        exact += double{taps[t]} * inputs[t];
      }
      for (int p = 0; p < filter.points(); ++p) {
        float tap = 0, input = 0;
        for (int t = 0; t < filter.taps(); ++t)
          tap += static_cast<float>(of.taps[t][p]) * taps[t];
        for (int j = 0; j < filter.points(); ++j)
          input += static_cast<float>(of.window[j][p]) * inputs[j];
        products[p] += tap * input;
      }
    }
    float y = 0;
    for (int p = 0; p < filter.points(); ++p)
      y += static_cast<float>(of.outputs[0][p]) * products[p];
    plain_error += std::pow(plain - exact, 2);
    error += std::pow(y - exact, 2);
  }
  return std::sqrt(error / plain_error);
}

// And of one coefficient alone at its own end, whatever the other is.
void ExpectOnePointsValueIsThatOfAll(const Winograd& filter) {
  const auto each = [&](const Winograd::Elements& e) {
    Winograd::Elements values;
    for (int point = 0; point < filter.points(); ++point)
      values.push_back(filter.EvaluateAt(e[0], e[1], point));
    return values;
  };
  EXPECT_EQ(Columns(2, each), MatricesOf(filter).outputs);

  const Halide::Expr nan = Halide::Internal::make_const(Halide::Float(64), NAN),
                     one = Halide::Internal::make_const(Halide::Float(64), 1);
  EXPECT_TRUE(Halide::Internal::is_const_one(
      Halide::Internal::simplify(filter.EvaluateAt(one, nan, 0))));
  EXPECT_TRUE(Halide::Internal::is_const_one(Halide::Internal::simplify(
      filter.EvaluateAt(nan, one, filter.points() - 1))));
}

TEST(WinogradPointTest, OnePointsValueIsThatOfAll) {
  ExpectOnePointsValueIsThatOfAll({2, 3});
  ExpectOnePointsValueIsThatOfAll({2, 5});
}

TEST(WinogradErrorTest, IsThatOfThePlainSumOrALittleMore) {
  const double of_three = ErrorRatio({2, 3}), of_five = ErrorRatio({2, 5});
  RecordProperty("F(2,3)", std::to_string(of_three));
  RecordProperty("F(2,5)", std::to_string(of_five));
  EXPECT_GT(of_three, 0.5);
  EXPECT_LT(of_three, 1.5) << "F(2, 3)";
  EXPECT_GT(of_five, 0.5);
  EXPECT_LT(of_five, 2.5) << "F(2, 5)";
}

}  // namespace
}  // namespace kiln
