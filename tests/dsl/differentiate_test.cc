// The differentiated graph in the interpreter against finite differences of the
// forward graph, for every op.
#include "dsl/differentiate.h"

#include <algorithm>
#include <memory>

#include "dsl/model.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/sum.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/op_cases.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

class OpGradientTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OpGradientTest, MatchesFiniteDifferences) {
  GradientCheckReport total;
  int64_t shapes = 0;
  double worst = 0;  // of what is allowed
  for (int64_t batch : {1, 3}) {
    shapes = 0;
    for (const OpCase& c : OpCases(GetParam(), batch)) {
      const auto report = CheckDifferentiation(c.graph, c.values, c.options);
      ASSERT_TRUE(report.ok())
          << c.name << ", batch " << batch << ": " << report.status();
      ++shapes;
      total.comparisons += report->comparisons;
      worst = std::max(worst, report->worst_share);
    }
  }
  ReportCoverage(GetParam(), "differences", shapes, total.comparisons, worst);
}

INSTANTIATE_TEST_SUITE_P(Ops, OpGradientTest,
                         ::testing::ValuesIn(OpCaseNames()),
                         [](const auto& info) { return info.param; });

// The loss is not linear in what the op gives: its adjoint depends on its
// value.
TEST_P(OpGradientTest, MatchesFiniteDifferencesThroughASquare) {
  for (OpCase& c : OpCases(GetParam(), 2)) {
    Graph graph = KeepOutputs(c.graph, {OutputKind::kHead});
    const NodeId value =
        FindNode(graph, graph.node(graph.outputs()[0].node).name);
    const ScalarExpr square = Arg(0) * Arg(0) + 0.5 * Arg(0);
    const auto squares =
        graph.Add(std::make_shared<PointwiseOp>("square", square), {value},
                  "squares", {});
    ASSERT_TRUE(squares.ok()) << squares.status();
    const auto loss =
        graph.Add(std::make_shared<SumOp>(), {*squares}, "squares_sum", {});
    ASSERT_TRUE(loss.ok()) << loss.status();
    graph.AddOutput(OutputKind::kLoss, "loss", *loss);
    const auto report = CheckDifferentiation(graph, c.values, c.options);
    EXPECT_TRUE(report.ok()) << c.name << ": " << report.status();
  }
}

// --- Structure: several uses, several losses, what is frozen or needs no
// gradient. ---

TEST(DifferentiateTest, AValueUsedManyTimesSumsItsAdjoints) {
  GraphMaker maker;
  const NodeId x = maker.Trained("x", {5}), w = maker.Parameter("w", {5, 5});
  const NodeId a =
      maker.Add(std::make_shared<PointwiseOp>("tanh", Tanh(Arg(0))), {x});
  const NodeId b = maker.Add(std::make_shared<DenseOp>(), {x, w});
  const NodeId c = maker.Add(
      std::make_shared<PointwiseOp>("mix", Arg(0) * Arg(1) * Arg(2) + Arg(2)),
      {a, b, x});
  const NodeId d =
      maker.Add(std::make_shared<PointwiseOp>("mul", Arg(0) * Arg(1)), {c, c});
  maker.ProjectToLoss(d, "y");
  const auto report =
      CheckDifferentiation(maker.graph(), RandomValues(maker.graph(), 3, 1));
  EXPECT_TRUE(report.ok()) << report.status();
}

// Weights shared by two layers: their gradients, sums over the batch already,
// are added.
TEST(DifferentiateTest, ASharedParameterSumsItsGradients) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {4}), w = maker.Parameter("w", {4, 4});
  const NodeId a =
      maker.Add(std::make_shared<PointwiseOp>("tanh", Tanh(Arg(0))),
                {maker.Add(std::make_shared<DenseOp>(), {x, w})});
  maker.ProjectToLoss(maker.Add(std::make_shared<DenseOp>(), {a, w}), "y");
  const auto report =
      CheckDifferentiation(maker.graph(), RandomValues(maker.graph(), 3, 1));
  EXPECT_TRUE(report.ok()) << report.status();
}

ModelBuilder& TwoHeads(ModelBuilder& m, double class_weight,
                       double width_weight) {
  const Value x = m.Input("x", {6}), label = m.Labels("label", 3),
              width = m.Target("width", {2});
  const Value features = m.Tanh(m.Dense("features", x, {.out = 5}));
  const Value logits = m.Dense("classifier", features, {.out = 3});
  const Value prediction = m.Dense("regressor", features, {.out = 2});
  m.Loss(m.SoftmaxCrossEntropy(logits, label), class_weight);
  m.Loss(m.L2(prediction, width), width_weight);
  return m;
}

TEST(DifferentiateTest, SeveralWeightedLosses) {
  ModelBuilder m, classes_alone, width_alone;
  const auto both = TwoHeads(m, 2, 0.25).Build();
  ASSERT_TRUE(both.ok()) << both.status();
  const GraphValues values = RandomValues(both->graph, 3, 1);
  const auto report = CheckDifferentiation(both->graph, values);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->tensors, 6);

  // A loss of weight 0 leaves the other's gradient, and its own head without
  // any.
  const auto no_width = TwoHeads(classes_alone, 2, 0).Build();
  ASSERT_TRUE(no_width.ok()) << no_width.status();
  EXPECT_TRUE(IsOneLineError(BuildTrainingGraph(no_width->graph),
                             {"regressor.weight: the loss does not depend"}));
}

TEST(DifferentiateTest, AWeightedSumByHandIsTheSame) {
  ModelBuilder m;
  const Value x = m.Input("x", {4}), y = m.Target("y", {2}),
              z = m.Target("z", {2});
  const Value out = m.Sigmoid(m.Dense("fc", x, {.out = 2}));
  m.Loss(m.WeightedSum({{0.5, m.L2(out, y)}, {-1.5, m.L2(out, z)}}));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto report =
      CheckDifferentiation(model->graph, RandomValues(model->graph, 2, 1));
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST(DifferentiateTest, BinaryCrossEntropyOfSeveralOutputs) {
  ModelBuilder m;
  const Value x = m.Input("x", {4}), y = m.Target("y", {3});
  m.Loss(m.SigmoidCrossEntropy(m.Dense("fc", x, {.out = 3}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto report =
      CheckDifferentiation(model->graph, RandomValues(model->graph, 4, 1));
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST(DifferentiateTest, SampleWeightsAndScale) {
  ModelBuilder m;
  const Value x = m.Input("x", {3}), y = m.Target("y", {2});
  m.Loss(m.L2(m.Tanh(m.Dense("fc", x, {.out = 2})), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  GraphValues values = RandomValues(model->graph, 4, 1);
  values.weights = {1, 0, 2.5, 1};
  values.scale = 0.3;
  const auto report = CheckDifferentiation(model->graph, values);
  EXPECT_TRUE(report.ok()) << report.status();
}

TEST(DifferentiateTest, FrozenParametersAndWhatOnlyTheyNeedHaveNoBackward) {
  ModelBuilder m;
  const Value x = m.Input("image", {1, 6, 6}), y = m.Target("y", {2});
  Value h = m.Tanh(
      m.Conv2d("conv1", x, {.out_channels = 2, .kernel = 3, .frozen = true}));
  h = m.Tanh(m.Conv2d("conv2", h, {.out_channels = 2, .kernel = 3}));
  h = m.Dense("fc1", m.Flatten(h), {.out = 4, .frozen = true});
  m.Loss(m.L2(m.Dense("fc2", h, {.out = 2}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = Differentiate(
      model->graph);  // never built, not only swept away afterwards
  ASSERT_TRUE(training.ok()) << training.status();
  for (const char* absent :
       {"conv1.d_weight", "conv1.d_bias", "conv1.d_input", "tanh1.d_input",
        "conv2.d_input", "fc1.d_weight", "fc1.d_bias"}) {
    EXPECT_FALSE(training->HasName(absent)) << absent;
  }
  for (const char* present :
       {"conv2.d_weight", "fc1.d_input", "fc2.d_weight", "fc2.d_bias"}) {
    EXPECT_TRUE(training->HasName(present)) << present;
  }
  const auto report =
      CheckDifferentiation(model->graph, RandomValues(model->graph, 2, 1));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->tensors, 4);
}

TEST(DifferentiateTest, AFrozenModelHasNoGradients) {
  ModelBuilder m;
  const Value x = m.Input("x", {3}), y = m.Target("y", {2});
  m.Loss(m.L2(m.Dense("fc", x, {.out = 2, .frozen = true}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_EQ(training->size(), EliminateDeadCode(model->graph).size());
}

TEST(DifferentiateTest, NeedsALoss) {
  GraphMaker maker;
  maker.Parameter("w", {2});
  EXPECT_TRUE(IsOneLineError(Differentiate(maker.graph()),
                             {"the model has no loss to differentiate"}));
}

// --- Kinks, exactly. ---

Gradients GradientsOf(const Graph& graph, const GraphValues& values) {
  const auto training = BuildTrainingGraph(graph);
  const auto gradients =
      training.ok() ? InterpretGradients(*training, values) : training.status();
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  return gradients.value_or(Gradients());
}

TEST(DifferentiateAtKinksTest, ReluAtZeroIsZero) {
  for (const OpCase& c : OpCases("pointwise", 1)) {
    if (c.name != "relu_9") continue;
    GraphValues values = c.values;
    values.tensors["x"] = {0, -0.0, 1e-300, -1e-300, 1, -1, 0, 2, -2};
    values.tensors["covector"].assign(9, 1);
    values.weights = {1};
    values.scale = 1;
    EXPECT_THAT(GradientsOf(c.graph, values).at("x"),
                ::testing::ElementsAre(0, 0, 1, 0, 1, 0, 0, 1, 0));
  }
}

TEST(DifferentiateAtKinksTest,
     MaxPoolGivesAllToTheFirstMaximumInRowMajorOrder) {
  for (const OpCase& c : OpCases("max_pool", 1)) {
    if (c.name != "pool_2x6x6_k2x2_s2x2_p0x0") continue;
    GraphValues values = c.values;
    std::vector<double>& x = values.tensors["x"];
    x.assign(72, 0);  // every window of the first channel is a tie of four
    // In the second channel, the window at the top left has its maximum at the
    // bottom right and at the top right.
    x[36] = 1, x[37] = 3, x[42] = 2, x[43] = 3;
    values.tensors["covector"].assign(18, 1);
    values.tensors["covector"][9] = 5;
    values.weights = {1};
    values.scale = 1;
    const std::vector<double> gradient = GradientsOf(c.graph, values).at("x");
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 6; ++x)
        EXPECT_EQ(gradient[y * 6 + x], y % 2 == 0 && x % 2 == 0 ? 1 : 0)
            << y << " " << x;
    }
    EXPECT_EQ(gradient[36], 0);
    EXPECT_EQ(gradient[37], 5);
    EXPECT_EQ(gradient[42], 0);
    EXPECT_EQ(gradient[43], 0);
  }
}

}  // namespace
}  // namespace kiln
