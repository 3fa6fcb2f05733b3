#include "dsl/activations.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(ActivationsTest, NamesAreFoundAndUnique) {
  std::set<std::string> names;
  for (const Activation& activation : Activations()) {
    EXPECT_TRUE(names.insert(activation.name).second) << activation.name;
    EXPECT_EQ(FindActivation(activation.name), &activation);
  }
  for (const char* name : {"tanh", "sigmoid", "relu", "identity", "leaky_relu",
                           "elu", "selu", "softplus", "gelu", "silu"})
    EXPECT_EQ(names.count(name), 1u) << name;
  EXPECT_EQ(FindActivation("no such activation"), nullptr);
}

TEST(ActivationsTest, AreFunctionsOfOneArgument) {
  for (const Activation& activation : Activations()) {
    EXPECT_LE(ArgCount(activation.value), 1) << activation.name;
    if (activation.derivative_by_output) {
      EXPECT_LE(ArgCount(*activation.derivative_by_output), 1)
          << activation.name;
    }
  }
}

TEST(ActivationsTest, Values) {
  for (double x : {-2.5, -0.3, 0.0, 0.7, 3.0}) {
    EXPECT_DOUBLE_EQ(Evaluate(FindActivation("tanh")->value, {x}),
                     std::tanh(x));
    EXPECT_DOUBLE_EQ(Evaluate(FindActivation("sigmoid")->value, {x}),
                     1 / (1 + std::exp(-x)));
    EXPECT_EQ(Evaluate(FindActivation("relu")->value, {x}), x > 0 ? x : 0);
    EXPECT_EQ(Evaluate(FindActivation("identity")->value, {x}), x);
  }
}

double ValueAt(const std::string& name, double x) {
  return Evaluate(FindActivation(name)->value, {x});
}

// By the C library's own functions.
TEST(ActivationsTest, ValuesOfTheOthers) {
  const double scale = 1.0507009873554805, alpha = 1.6732632423543772;
  for (double x : {-30.0, -2.5, -0.3, -1e-9, 0.0, 1e-9, 0.7, 3.0, 30.0}) {
    const double elu = x > 0 ? x : std::expm1(x),
                 selu = scale * (x > 0 ? x : alpha * std::expm1(x)),
                 cubic = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    EXPECT_EQ(ValueAt("leaky_relu", x), x > 0 ? x : 0.01 * x);
    EXPECT_NEAR(ValueAt("elu", x), elu, 4e-16 * std::abs(elu)) << x;
    EXPECT_NEAR(ValueAt("selu", x), selu, 8e-16 * std::abs(selu)) << x;
    EXPECT_NEAR(ValueAt("softplus", x), std::log1p(std::exp(x)),
                4e-16 * std::max(1.0, std::abs(x)));
    EXPECT_NEAR(ValueAt("gelu", x), 0.5 * x * (1 + std::tanh(cubic)), 1e-14);
    EXPECT_NEAR(ValueAt("silu", x), x / (1 + std::exp(-x)), 1e-14);
  }
}

TEST(ActivationsTest, FarOutNothingOverflows) {
  EXPECT_EQ(ValueAt("elu", -1e4), -1);
  EXPECT_NEAR(ValueAt("selu", -1e4), -1.0507009873554805 * 1.6732632423543772,
              1e-15);
  EXPECT_EQ(ValueAt("softplus", 1e4), 1e4);
  for (const char* name : {"softplus", "gelu", "silu"})
    EXPECT_EQ(ValueAt(name, -1e4), 0) << name;
  for (const char* name : {"elu", "gelu", "silu", "leaky_relu"})
    EXPECT_EQ(ValueAt(name, 1e4), 1e4) << name;
  for (const Activation& activation : Activations())
    EXPECT_TRUE(std::isnan(ValueAt(activation.name, NAN))) << activation.name;
}

// The derivative that the backward pass computes at x.
double DerivativeAt(const Activation& activation, double x) {
  const std::vector<ScalarExpr> partials = activation.Partials();
  if (partials.empty()) return Evaluate(Derivative(activation.value, 0), {x});
  return Evaluate(partials[0], {x, Evaluate(activation.value, {x})});
}

// PyTorch's at the kinks, and finite far out.
TEST(ActivationsTest, DerivativesAtKinksAndFarOut) {
  EXPECT_EQ(DerivativeAt(*FindActivation("relu"), 0), 0);
  EXPECT_EQ(DerivativeAt(*FindActivation("leaky_relu"), 0), 0.01);
  EXPECT_EQ(DerivativeAt(LeakyReluActivation(-0.5), 0), -0.5);
  EXPECT_EQ(DerivativeAt(EluActivation(3), 0), 3);
  EXPECT_EQ(DerivativeAt(EluActivation(-3), 0), -3);
  EXPECT_NEAR(DerivativeAt(*FindActivation("selu"), 0),
              1.0507009873554805 * 1.6732632423543772, 1e-15);
  EXPECT_EQ(DerivativeAt(*FindActivation("softplus"), 0), 0.5);
  EXPECT_EQ(DerivativeAt(*FindActivation("gelu"), 0), 0.5);
  for (const Activation& activation : Activations()) {
    for (double x : {-1e4, 1e4})
      EXPECT_TRUE(std::isfinite(DerivativeAt(activation, x)))
          << activation.name << " at " << x;
  }
}

// The derivative that is used is the slope of the value.
TEST(ActivationsTest, DerivativesAreSlopes) {
  std::vector<Activation> all = Activations();
  for (double constant : {-0.5, 0.0, 0.3, 2.0}) {
    all.push_back(LeakyReluActivation(constant));
    all.push_back(EluActivation(constant));
  }
  for (const Activation& activation : all) {
    for (double x : {-7.1, -2.3, -0.4, -0.01, 0.01, 0.6, 1.9, 6.3}) {
      const double h = 1e-4, low = Evaluate(activation.value, {x - h}),
                   high = Evaluate(activation.value, {x + h});
      EXPECT_NEAR(DerivativeAt(activation, x), (high - low) / (2 * h), 1e-8)
          << activation.name << " at " << x;
    }
  }
}

// A derivative declared in terms of the output is the symbolic derivative at
// every input, kinks included.
TEST(ActivationsTest, DeclaredDerivativesAreTheSymbolicOnes) {
  for (const Activation& activation : Activations()) {
    if (!activation.derivative_by_output) continue;
    const ScalarExpr symbolic = Derivative(activation.value, 0);
    for (double x = -4; x <= 4; x += 0.25) {  // holds 0
      const double y = Evaluate(activation.value, {x});
      EXPECT_NEAR(Evaluate(*activation.derivative_by_output, {y}),
                  Evaluate(symbolic, {x}), 1e-15)
          << activation.name << " at " << x;
    }
  }
}

}  // namespace
}  // namespace kiln
