#include "dsl/scalar_expr.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace kiln {
namespace {

const ScalarExpr x = Arg(0), y = Arg(1);

TEST(ScalarExprTest, PrintsWithTheFewestParentheses) {
  EXPECT_EQ((1 - x * x).ToString(), "1 - a0 * a0");
  EXPECT_EQ(((1 - x) * x).ToString(), "(1 - a0) * a0");
  EXPECT_EQ((x - (y - x)).ToString(), "a0 - (a1 - a0)");
  EXPECT_EQ((x - y - x).ToString(), "a0 - a1 - a0");
  EXPECT_EQ((x / (y / x)).ToString(), "a0 / (a1 / a0)");
  EXPECT_EQ((x / (y * x)).ToString(), "a0 / (a1 * a0)");
  EXPECT_EQ((x * y / x).ToString(), "a0 * a1 / a0");
  EXPECT_EQ((-(x + y)).ToString(), "-(a0 + a1)");
  EXPECT_EQ((-x * y).ToString(), "-a0 * a1");
  EXPECT_EQ((-(x * y)).ToString(), "-(a0 * a1)");
  EXPECT_EQ((x * -2).ToString(), "a0 * -2");
  EXPECT_EQ(Max(x, Exp(-y)).ToString(), "max(a0, exp(-a1))");
  EXPECT_EQ(Select(Greater(x, 0), x, y).ToString(),
            "select(greater(a0, 0), a0, a1)");
}

// Graph passes take equal texts for equal expressions, so that what differs
// must print differently.
TEST(ScalarExprTest, DifferentExpressionsPrintDifferently) {
  EXPECT_NE((x * 1.0000000001).ToString(), (x * 1.0000000002).ToString());
  EXPECT_NE((x * (y / x)).ToString(), (x * y / x).ToString());
  EXPECT_NE((x * (y * x)).ToString(), (x * y * x).ToString());
  EXPECT_NE((x + (y + x)).ToString(), (x + y + x).ToString());
  EXPECT_NE((x + (y - x)).ToString(), (x + y - x).ToString());
  EXPECT_NE(Max(x, y).ToString(), Min(x, y).ToString());
}

TEST(ScalarExprTest, FoldsConstants) {
  EXPECT_TRUE((ScalarExpr(2) * 3 - 1).IsConstant(5));
  EXPECT_TRUE((ScalarExpr(3) / 4).IsConstant(0.75));
  EXPECT_TRUE((-ScalarExpr(3)).IsConstant(-3));
  EXPECT_TRUE(Max(ScalarExpr(2), -1).IsConstant(2));
  EXPECT_TRUE(Min(ScalarExpr(2), -1).IsConstant(-1));
  EXPECT_TRUE(Greater(ScalarExpr(2), 1).IsConstant(1));
  EXPECT_TRUE(Greater(ScalarExpr(1), 1).IsConstant(0));
  EXPECT_TRUE(Select(ScalarExpr(0), 3, 4).IsConstant(4));
  EXPECT_TRUE(Exp(ScalarExpr(0)).IsConstant(1));
  EXPECT_TRUE(Log(ScalarExpr(1)).IsConstant(0));
  EXPECT_TRUE(Tanh(ScalarExpr(0)).IsConstant(0));
  EXPECT_TRUE(Sigmoid(ScalarExpr(0)).IsConstant(0.5));
  EXPECT_TRUE(Sqrt(ScalarExpr(9)).IsConstant(3));
}

TEST(ScalarExprTest, DropsNeutralOperands) {
  const std::vector<std::pair<ScalarExpr, std::string>> cases = {
      {x + 0, "a0"},
      {0 + x, "a0"},
      {x - 0, "a0"},
      {0 - x, "-a0"},
      {x * 1, "a0"},
      {1 * x, "a0"},
      {x * -1, "-a0"},
      {-1 * x, "-a0"},
      {x * 0, "0"},
      {0 * x, "0"},
      {x / 1, "a0"},
      {0 / x, "0"},
      {-(-x), "a0"},
      {x + -y, "a0 - a1"},
      {x - -y, "a0 + a1"},
      {Select(1, x, y), "a0"},
      {Select(0, x, y), "a1"},
      {Select(Greater(x, 0), y, y), "a1"},
  };
  for (const auto& [expression, expected] : cases)
    EXPECT_EQ(expression.ToString(), expected);
}

TEST(ScalarExprTest, SimplificationKeepsTheValue) {
  // Each rule with an operand that it must not fire on, beside one that it
  // fires on.
  const std::vector<ScalarExpr> atoms = {x, y, 0.0, 1.0, -1.0, 2.0, -x, x * y};
  const std::vector<double> point = {0.7, -1.3};
  const std::vector<double> values = {0.7, -1.3, 0, 1, -1, 2, -0.7, 0.7 * -1.3};
  for (size_t i = 0; i < atoms.size(); ++i) {
    EXPECT_EQ(Evaluate(-atoms[i], point), -values[i]);
    for (size_t j = 0; j < atoms.size(); ++j) {
      SCOPED_TRACE(atoms[i].ToString() + " and " + atoms[j].ToString());
      EXPECT_DOUBLE_EQ(Evaluate(atoms[i] + atoms[j], point),
                       values[i] + values[j]);
      EXPECT_DOUBLE_EQ(Evaluate(atoms[i] - atoms[j], point),
                       values[i] - values[j]);
      EXPECT_DOUBLE_EQ(Evaluate(atoms[i] * atoms[j], point),
                       values[i] * values[j]);
      if (values[j] != 0) {
        EXPECT_DOUBLE_EQ(Evaluate(atoms[i] / atoms[j], point),
                         values[i] / values[j]);
      }
      EXPECT_EQ(Evaluate(Select(atoms[i], atoms[j], 7), point),
                values[i] != 0 ? values[j] : 7);
      EXPECT_EQ(Evaluate(Greater(atoms[i], atoms[j]), point),
                values[i] > values[j] ? 1 : 0);
    }
  }
}

struct Function {
  std::string name;
  ScalarExpr expression;  // over a0, a1
  std::function<double(double, double)> value;
};

std::vector<Function> Functions() {
  using std::exp, std::log, std::tanh;
  return {
      {"constant", 3.5, [](double, double) { return 3.5; }},
      {"argument", x, [](double a, double) { return a; }},
      {"negate", -(x * y), [](double a, double b) { return -(a * b); }},
      {"add", x + y * y, [](double a, double b) { return a + b * b; }},
      {"subtract", x - y * x, [](double a, double b) { return a - b * a; }},
      {"multiply", x * y * x, [](double a, double b) { return a * b * a; }},
      {"divide", x / (2 + y * y),
       [](double a, double b) { return a / (2 + b * b); }},
      {"max", Max(x, y * 2),
       [](double a, double b) { return std::max(a, b * 2); }},
      {"min", Min(x * 2, y),
       [](double a, double b) { return std::min(a * 2, b); }},
      {"exp", Exp(x * y), [](double a, double b) { return exp(a * b); }},
      {"log", Log(3 + x * y),
       [](double a, double b) { return log(3 + a * b); }},
      {"tanh", Tanh(x + y), [](double a, double b) { return tanh(a + b); }},
      {"sigmoid", Sigmoid(x * y - 1),
       [](double a, double b) { return 1 / (1 + exp(1 - a * b)); }},
      {"sqrt", Sqrt(4 + x * y),
       [](double a, double b) { return std::sqrt(4 + a * b); }},
      {"greater", Greater(x, y) * x,
       [](double a, double b) { return a > b ? a : 0; }},
      {"select", Select(Greater(x, y), x * x, y * 3),
       [](double a, double b) { return a > b ? a * a : b * 3; }},
      {"nested", Tanh(Exp(-x) / (1 + Sigmoid(y) * x * x)),
       [](double a, double b) {
         return tanh(exp(-a) / (1 + a * a / (1 + exp(-b))));
       }},
  };
}

// No two of these make x = y, 2 y = x or 2 x = y, where max, min and select
// have their kinks.
const std::vector<double> kPoints = {-1.7, -0.45, 0.3, 1.25};

TEST(ScalarExprTest, EvaluatesEveryFunction) {
  for (const Function& f : Functions()) {
    for (double a : kPoints) {
      for (double b : kPoints)
        EXPECT_DOUBLE_EQ(Evaluate(f.expression, {a, b}), f.value(a, b))
            << f.name;
    }
  }
}

TEST(ScalarExprTest, DerivativeMatchesFiniteDifference) {
  for (const Function& f : Functions()) {
    for (int index : {0, 1}) {
      const ScalarExpr derivative = Derivative(f.expression, index);
      for (double a : kPoints) {
        for (double b : kPoints) {
          if (a == b)
            continue;  // a kink of max, min, greater and select: see the tests
                       // at kinks
          const double h = 1e-5;
          auto at = [&](double t) {
            return f.value(a + (index == 0 ? t : 0), b + (index == 1 ? t : 0));
          };
          const double expected =
              (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
          EXPECT_NEAR(Evaluate(derivative, {a, b}), expected,
                      1e-8 * (1 + std::abs(expected)))
              << "d " << f.name << " / d a" << index << " = "
              << derivative.ToString() << " at " << a << ", " << b;
        }
      }
    }
  }
}

TEST(ScalarExprTest, SecondDerivativesMatchFiniteDifferencesOfTheFirst) {
  for (const ScalarExpr& f :
       {Tanh(x), Sigmoid(x), Exp(x), Log(2 + x), 1 / (3 + x), x * x * x}) {
    const ScalarExpr first = Derivative(f, 0), second = Derivative(first, 0);
    for (double a : kPoints) {
      const double h = 1e-4;
      const double expected =
          (Evaluate(first, {a + h}) - Evaluate(first, {a - h})) / (2 * h);
      EXPECT_NEAR(Evaluate(second, {a}), expected,
                  1e-6 * (1 + std::abs(expected)))
          << second.ToString();
    }
  }
}

TEST(ScalarExprTest, AtAKinkTheDerivativeIsThatOfTheBranchOfAFalseComparison) {
  EXPECT_EQ(Evaluate(Derivative(Max(x, 0), 0), {0.0}), 0);  // relu'(0) = 0
  EXPECT_EQ(Evaluate(Derivative(Max(0, x), 0), {0.0}), 1);
  EXPECT_EQ(Evaluate(Derivative(Min(x, 0), 0), {0.0}), 0);
  EXPECT_EQ(Evaluate(Derivative(Select(Greater(x, 0), 3 * x, 5 * x), 0), {0.0}),
            5);
  EXPECT_TRUE(Derivative(Greater(x, y), 0).IsConstant(0));
}

TEST(ScalarExprTest, LogisticIdentities) {
  const ScalarExpr s = Sigmoid(2 * x);
  for (double a : {-30.0, -2.0, 0.0, 0.5, 3.0}) {
    // tanh'(x) = 4 (s(2x) - s(2x)^2)
    EXPECT_NEAR(Evaluate(Derivative(Tanh(x), 0), {a}),
                Evaluate(4 * (s - s * s), {a}), 1e-15);
  }
}

TEST(ScalarExprTest, SigmoidIsFiniteFarOut) {
  EXPECT_EQ(Evaluate(Sigmoid(x), {1e4}), 1);
  EXPECT_EQ(Evaluate(Sigmoid(x), {-1e4}), 0);
  EXPECT_EQ(Evaluate(Derivative(Sigmoid(x), 0), {-1e4}), 0);
}

TEST(ScalarExprTest, NanComesThrough) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const ScalarExpr& f : {Max(x, 0), Max(0, x), Min(x, 0), Min(0, x),
                              Exp(x), Log(x), Tanh(x), Sigmoid(x), x + 1}) {
    EXPECT_TRUE(std::isnan(Evaluate(f, {nan}))) << f.ToString();
  }
}

TEST(ScalarExprTest, Substitutes) {
  EXPECT_EQ(Substitute(x * y + x, {y, Exp(x)}).ToString(), "a1 * exp(a0) + a1");
  EXPECT_EQ(Substitute(x * y + 2, {0.0, x}).ToString(),
            "2");  // what becomes constant is folded again
}

TEST(ScalarExprTest, CountsArgumentsAndOperations) {
  EXPECT_EQ(ArgCount(3.0), 0);
  EXPECT_EQ(ArgCount(x), 1);
  EXPECT_EQ(ArgCount(Arg(4) + x), 5);
  EXPECT_TRUE(DependsOn(x * Exp(y), 1));
  EXPECT_FALSE(DependsOn(x * Exp(x), 1));
  EXPECT_EQ(OperationCount(x), 0);
  EXPECT_EQ(OperationCount(1 - x * x), 2);
  EXPECT_EQ(OperationCount(Select(Greater(x, 0), Tanh(x), y)), 3);
}

}  // namespace
}  // namespace kiln
