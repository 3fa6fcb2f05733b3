#include "dsl/evaluation_form.h"

#include <cmath>
#include <memory>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "dsl/print.h"
#include "gtest/gtest.h"
#include "tests/support/golden.h"
#include "tests/support/graph_testing.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

// Every layer that has two forms, and some that have one.
Graph AllModes() {
  ModelBuilder m;
  Value x = m.Input("image", {1, 4, 4});
  x = m.Conv2d("conv1", x, {.out_channels = 2, .kernel = 3, .bias = false});
  x = m.RRelu(m.BatchNorm("bn1", x));
  x = m.Dropout(m.Flatten(x), 0.25);
  x = m.BatchNorm("bn2", m.Dense("fc1", x, {.out = 3}), {.affine = false});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, m.Labels("label", 3)));
  return m.Build().value().graph;
}

TEST(EvaluationFormTest, PrintsAsItShould) {
  const Graph graph = AllModes();
  EXPECT_TRUE(MatchesGolden("modes_training",
                            ToText(BuildTrainingGraph(graph).value())));
  EXPECT_TRUE(MatchesGolden("modes_evaluation", ToText(EvaluationForm(graph))));
}

TEST(EvaluationFormTest, IsVerifiedAndNeedsNeitherSeedNorWholeBatch) {
  const Graph graph = AllModes(), evaluation = EvaluationForm(graph);
  EXPECT_TRUE(Verify(evaluation).ok()) << Verify(evaluation);
  EXPECT_TRUE(HasRandom(graph));
  EXPECT_TRUE(NeedsWholeBatch(graph));
  EXPECT_FALSE(HasRandom(evaluation));
  EXPECT_FALSE(NeedsWholeBatch(evaluation));
}

TEST(EvaluationFormTest, OfAGraphWithoutSuchLayersIsTheGraph) {
  ModelBuilder m;
  const Value x = m.Input("x", {3});
  const Value y = m.Tanh(m.Dense("fc1", x, {.out = 2}));
  m.Output("y", y);
  m.Loss(m.L2(y, m.Target("t", {2})));
  const Graph graph = m.Build().value().graph;
  EXPECT_EQ(ToText(EvaluationForm(graph)), ToText(graph));
}

// A dropped node's readers, and outputs, read what it read.
TEST(EvaluationFormTest, DropoutOfAnOutputIsTheValueItself) {
  ModelBuilder m;
  const Value x = m.Dense("fc1", m.Input("x", {3}), {.out = 2});
  const Value y = m.Dropout(x, 0.5);
  m.Output("y", y);
  m.Loss(m.L2(y, m.Target("t", {2})));
  const Graph evaluation = EvaluationForm(m.Build().value().graph);
  EXPECT_EQ(FindNode(evaluation, "dropout1"), -1);
  EXPECT_EQ(FindHead(evaluation, "y"), FindNode(evaluation, "fc1"));
}

// x = 3 and -3: the slope is the mean of 1/4 and 1/2, the statistics are 1 and
// 4 - 1e-5, so that the scale is 6 / 2 and the shift 10 - 1 * 3.
TEST(EvaluationFormTest, ComputesMeansAndRunningStatistics) {
  ModelBuilder m;
  const Value x = m.Input("x", {2});
  const Value slopes = m.RRelu(x, 0.25, 0.5);
  const Value normal = m.BatchNorm("bn1", x);
  m.Output("slopes", slopes);
  m.Output("normal", normal);
  m.Loss(m.L2(normal, slopes));
  const Graph evaluation = EvaluationForm(m.Build().value().graph);
  GraphValues values;
  values.tensors = {{"x", {3, -3}},
                    {"bn1.weight", {6, 6}},
                    {"bn1.bias", {10, 10}},
                    {"bn1.running_mean", {1, 1}},
                    {"bn1.running_var", {4 - 1e-5, 4 - 1e-5}}};
  EXPECT_EQ(ValueOf(evaluation, values, "rrelu1"),
            (std::vector<double>{3, -1.125}));
  const std::vector<double> y = ValueOf(evaluation, values, "bn1");
  EXPECT_NEAR(y[0], 16, 1e-12);
  EXPECT_NEAR(y[1], -2, 1e-12);
}

TEST(ModelModesTest, MistakesNameTheLayerAndItsLine) {
  auto status = [](auto build) {
    ModelBuilder m;
    build(m, m.Input("x", {3}));
    return m.Build().status();
  };
  EXPECT_TRUE(
      IsOneLineError(status([](auto& m, Value x) { m.Dropout(x, 1); }),
                     {"dropout1", "the rate 1 is not at least 0 and below 1"}));
  EXPECT_TRUE(IsOneLineError(
      status([](auto& m, Value x) { m.Dropout(x, std::nan("")); }),
      {"the rate nan"}));
  EXPECT_TRUE(IsOneLineError(
      status([](auto& m, Value x) { m.RRelu(x, 0.5, 0.25); }),
      {"rrelu1", "lower end 0.5", "upper end 0.25", "no interval"}));
  EXPECT_TRUE(IsOneLineError(
      status([](auto& m, Value) { m.Dropout(m.Labels("l", 3), 0.5); }),
      {"dropout1", "needs float values per sample"}));
  EXPECT_TRUE(
      IsOneLineError(status([](auto& m, Value) { m.Dropout(Value{}, 0.5); }),
                     {"dropout1", "no layer of this model made"}));
  EXPECT_TRUE(IsOneLineError(
      status([](auto& m, Value x) { m.BatchNorm("bn", x, {.eps = 0}); }),
      {"bn: eps is 0"}));
  EXPECT_TRUE(IsOneLineError(
      status([](auto& m, Value x) { m.BatchNorm("bn", x, {.momentum = 2}); }),
      {"bn: momentum is 2"}));
  EXPECT_TRUE(IsOneLineError(status([](auto& m, Value) {
                               m.BatchNorm("bn", m.Input("y", {2, 3}));
                             }),
                             {"bn", "features {F} or an image {C, H, W}"}));
}

}  // namespace
}  // namespace kiln
