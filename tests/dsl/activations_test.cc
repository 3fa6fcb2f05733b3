#include "dsl/activations.h"

#include <cmath>
#include <set>

#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(ActivationsTest, NamesAreFoundAndUnique) {
  std::set<std::string> names;
  for (const Activation& activation : Activations()) {
    EXPECT_TRUE(names.insert(activation.name).second) << activation.name;
    EXPECT_EQ(FindActivation(activation.name), &activation);
  }
  for (const char* name : {"tanh", "sigmoid", "relu", "identity"})
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
