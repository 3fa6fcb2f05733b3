#include "dsl/initializer.h"

#include <cmath>

#include "dsl/model.h"
#include "dsl/ops/parameter.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

using Kind = Initializer::Kind;

// Of a distribution that Resolved() gives.
double Variance(const Initializer& init) {
  return init.kind == Kind::kUniform
             ? (init.b - init.a) * (init.b - init.a) / 12
             : init.b * init.b;
}

// Worked out by hand for fan_in 50, fan_out 100: PyTorch's documentation has
// bound = gain sqrt(3 / fan_in), std = gain / sqrt(fan_in) (Kaiming, gain
// sqrt(2)), bound = sqrt(6 / (fan_in + fan_out)) and std = sqrt(2 / (fan_in +
// fan_out)) (Xavier).
TEST(InitializerTest, RulesAreTheFormulas) {
  const auto uniform = [](const Initializer& rule) {
    const Initializer init = rule.Resolved(50, 100);
    EXPECT_EQ(init.kind, Kind::kUniform);
    EXPECT_EQ(init.a, -init.b);
    return init.b;
  };
  const auto normal = [](const Initializer& rule) {
    const Initializer init = rule.Resolved(50, 100);
    EXPECT_EQ(init.kind, Kind::kNormal);
    EXPECT_EQ(init.a, 0);
    return init.b;
  };
  EXPECT_NEAR(uniform(Initializer::KaimingUniform()), 0.34641016, 5e-9);
  EXPECT_NEAR(normal(Initializer::KaimingNormal()), 0.2, 1e-15);
  // A leaky ReLU of slope 0.2: gain sqrt(2 / 1.04) = 1.38675049.
  EXPECT_NEAR(Initializer::ReluGain(0.2), 1.38675049, 5e-9);
  EXPECT_NEAR(normal(Initializer::KaimingNormal(Initializer::ReluGain(0.2))),
              0.19611614, 5e-9);
  EXPECT_NEAR(uniform(Initializer::XavierUniform()), 0.2, 1e-15);
  EXPECT_NEAR(normal(Initializer::XavierNormal()), 0.11547005, 5e-9);
  // tanh's gain in PyTorch is 5/3.
  EXPECT_NEAR(uniform(Initializer::XavierUniform(5.0 / 3)), 1.0 / 3, 1e-15);
  EXPECT_NEAR(uniform(Initializer::LeCunUniform()), 0.24494897, 5e-9);
  EXPECT_NEAR(normal(Initializer::LeCunNormal()), 0.14142136, 5e-9);
}

TEST(InitializerTest, UniformAndNormalOfARuleHaveOneVariance) {
  for (const auto& [a, b] :
       {std::pair{Initializer::KaimingUniform(), Initializer::KaimingNormal()},
        {Initializer::XavierUniform(2), Initializer::XavierNormal(2)},
        {Initializer::LeCunUniform(), Initializer::LeCunNormal()}}) {
    const double of_uniform = Variance(a.Resolved(17, 5));
    EXPECT_NEAR(of_uniform, Variance(b.Resolved(17, 5)), 1e-15);
  }
}

TEST(InitializerTest, DistributionsStayAsTheyAre) {
  const Initializer init = Initializer::TruncatedNormal(0.5, 2).Resolved(3, 4);
  EXPECT_EQ(init.kind, Kind::kTruncatedNormal);
  EXPECT_EQ(init.a, 0.5);
  EXPECT_EQ(init.b, 2);
}

Initializer InitOf(const Graph& graph, const std::string& parameter) {
  return dynamic_cast<const ParameterOp&>(
             *graph.node(FindNode(graph, parameter)).op)
      .spec()
      .init;
}

TEST(InitializerTest, LayersKnowTheirFans) {
  ModelBuilder m;
  Value x = m.Input("image", {2, 6, 6});
  x = m.Conv2d("conv", x,
               {.out_channels = 5,
                .kernel = {3, 4},
                .weight_init = Initializer::XavierNormal(),
                .bias_init = Initializer::LeCunNormal()});
  x = m.Dense("fc", m.Flatten(x),
              {.out = 3, .weight_init = Initializer::KaimingUniform()});
  const Value w = m.Parameter("w", {{4, 2, 3}, Initializer::XavierUniform()});
  m.Loss(m.L2(x, m.Target("y", {3})));
  (void)w;
  // The free parameter has no reader: the graph is looked at as it is.
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  // fan_in 2 x 3 x 4 = 24, fan_out 5 x 3 x 4 = 60.
  EXPECT_NEAR(InitOf(model->graph, "conv.weight").b, std::sqrt(2.0 / 84),
              1e-15);
  EXPECT_NEAR(InitOf(model->graph, "conv.bias").b, std::sqrt(1.0 / 24), 1e-15);
  EXPECT_NEAR(InitOf(model->graph, "fc.weight").b,
              std::sqrt(2.0) * std::sqrt(3.0 / 60), 1e-15);
  // fan_in 2 x 3, fan_out 4 x 3.
  EXPECT_NEAR(InitOf(model->graph, "w").b, std::sqrt(6.0 / 18), 1e-15);
}

}  // namespace
}  // namespace kiln
