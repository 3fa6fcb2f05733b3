// Losses and metrics against their definitions, worked out by hand; several
// losses in one model; weight-decay groups.
#include <cmath>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pointwise;

struct LossAndGradient {
  double value;                  // of the one sample
  std::vector<double> gradient;  // d value / d prediction
};

// The loss of one sample whose prediction is a parameter in disguise: a bias
// onto an input of zeros.
template <typename Make>
LossAndGradient LossOf(std::vector<double> prediction,
                       std::vector<double> target, Make make) {
  const int64_t size = static_cast<int64_t>(prediction.size());
  ModelBuilder m;
  const Value x = m.Input("x", {1}), t = m.Target("t", {size});
  m.Loss(make(m, m.Dense("p", x, {.out = size}), t));
  const auto model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  const GraphValues values = {
      .batch = 1,
      .tensors = {{"x", {0}},
                  {"t", std::move(target)},
                  {"p.weight", std::vector<double>(size)},
                  {"p.bias", std::move(prediction)}}};
  const auto training = BuildTrainingGraph(model->graph);
  EXPECT_TRUE(training.ok()) << training.status();
  return {InterpretLoss(model->graph, values).value(),
          InterpretGradients(*training, values)->at("p.bias")};
}

TEST(LossesTest, L1) {
  const auto l1 = LossOf({1, -2, 3, 0.5}, {3, -2, 1, 0},
                         [](auto& m, auto p, auto t) { return m.L1(p, t); });
  EXPECT_EQ(l1.value, 2 + 0 + 2 + 0.5);
  EXPECT_THAT(l1.gradient, ElementsAre(-1, 0, 1, 1));  // 0 at 0
}

TEST(LossesTest, Huber) {
  // delta 2: e = 1 -> 1/2; e = -5 -> 2 (5 - 1); e = 2 -> 2; e = 0 -> 0.
  const auto huber =
      LossOf({1, -5, 2, 7}, {0, 0, 0, 7},
             [](auto& m, auto p, auto t) { return m.Huber(p, t, 2); });
  EXPECT_EQ(huber.value, 0.5 + 8 + 2 + 0);
  EXPECT_THAT(huber.gradient, ElementsAre(1, -2, 2, 0));
}

TEST(LossesTest, HingeOfEitherKindOfTargets) {
  for (double negative : {0.0, -1.0}) {
    // s z = 0.5, -2, 1 (the kink) and 3; the mean over four outputs.
    const auto hinge =
        LossOf({0.5, 2, -1, 3}, {1, negative, negative, 1},
               [](auto& m, auto p, auto t) { return m.Hinge(p, t); });
    EXPECT_EQ(hinge.value, (0.5 + 3 + 0 + 0) / 4);
    EXPECT_THAT(hinge.gradient, ElementsAre(-0.25, 0.25, 0, 0));
  }
}

TEST(LossesTest, WithinToleranceIsAShare) {
  ModelBuilder m;
  const Value x = m.Input("x", {4}), t = m.Target("t", {4});
  m.Metric("right", m.WithinTolerance(x, t, 0.5));
  m.Loss(m.L2(m.Dense("fc", x, {.out = 4}), t));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const double nan = std::nan("");
  const GraphValues values = {
      .batch = 3,
      .tensors = {{"x", {3, 3.5, 2.5, 3.51, 3, 3, 3, 3, nan, 3, -3, 1e30}},
                  {"t", {3, 3, 3, 3, 4, 2, -3, 0, 3, 3, -3, -1e30}},
                  {"fc.weight", std::vector<double>(16)},
                  {"fc.bias", std::vector<double>(4)}}};
  EXPECT_THAT(ValueOf(model->graph, values, "within_tolerance1"),
              ElementsAre(0.75, 0, 0.5));
}

// A classifier and a regressor on shared features.
ModelBuilder& TwoHeads(ModelBuilder& m) {
  const Value x = m.Input("x", {3}), label = m.Labels("label", 2),
              width = m.Target("width", {1});
  const Value logits = m.Dense("classifier", x, {.out = 2}),
              prediction = m.Dense("regressor", x, {.out = 1});
  m.Loss(m.SoftmaxCrossEntropy(logits, label), 2);
  m.Loss("width_loss", m.L2(prediction, width), 0.01);
  return m;
}

TEST(SeveralLossesTest, EachIsAMetricOfItsOwn) {
  ModelBuilder m;
  const auto model = TwoHeads(m).Build();
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<std::string> metrics;
  for (const Output& output : model->graph.outputs()) {
    if (output.kind == OutputKind::kMetric) metrics.push_back(output.name);
  }
  EXPECT_THAT(metrics, ElementsAre("softmax_cross_entropy1", "width_loss"));
  ASSERT_EQ(model->losses.size(), 2u);
  EXPECT_EQ(model->losses[0].name, "softmax_cross_entropy1");
  EXPECT_EQ(model->losses[0].weight, 2);
  EXPECT_EQ(model->losses[1].name, "width_loss");
  EXPECT_EQ(model->losses[1].weight, 0.01);
  const GraphValues values = {
      .batch = 1,
      .tensors = {{"x", {1, 2, 3}},
                  {"label", {1}},
                  {"width", {5}},
                  {"classifier.weight", std::vector<double>(6)},
                  {"classifier.bias", {0, 0}},
                  {"regressor.weight", std::vector<double>(3)},
                  {"regressor.bias", {2}}}};
  EXPECT_NEAR(*InterpretLoss(model->graph, values), 2 * std::log(2) + 0.01 * 9,
              1e-14);
}

TEST(SeveralLossesTest, OneLossMayHaveAName) {
  ModelBuilder m;
  m.Loss("distance", m.L2(m.Dense("fc", m.Input("x", {2}), {.out = 1}),
                          m.Target("y", {1})));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_EQ(model->losses.size(), 1u);
  EXPECT_EQ(model->losses[0].name, "distance");
  ASSERT_EQ(model->graph.outputs().size(), 1u) << "and no metric of that name";
}

TEST(SeveralLossesTest, OneLossIsNoMetric) {
  ModelBuilder m;
  m.Loss(m.L2(m.Dense("fc", m.Input("x", {2}), {.out = 1}), m.Target("y", {1})),
         0.5);
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_EQ(model->graph.outputs().size(), 1u);
  EXPECT_EQ(model->graph.outputs()[0].kind, OutputKind::kLoss);
  EXPECT_EQ(model->losses[0].name, "l2_loss1");
}

double DecayOf(const Model& model, const std::string& parameter) {
  const NodeId id = FindNode(model.graph, parameter);
  EXPECT_GE(id, 0) << parameter;
  return dynamic_cast<const ParameterOp&>(*model.graph.node(id).op)
      .spec()
      .weight_decay_multiplier;
}

Model Decaying(bool decay_biases) {
  ModelBuilder m;
  Value x = m.Input("image", {1, 4, 4});
  x = m.Prelu(m.Conv2d(
      "conv", x,
      {.out_channels = 2, .kernel = 3, .weight_decay_multiplier = 0.5}));
  x = m.Prelu(m.Dense("fc1", m.Flatten(x),
                      {.out = 3, .bias_weight_decay_multiplier = 1}),
              {.weight_decay_multiplier = 2});
  x = m.Dense("fc2", x, {.out = 1, .bias_weight_decay_multiplier = 0});
  m.Loss(m.L2(x, m.Target("y", {1})));
  m.Defaults({.decay_biases = decay_biases});
  const auto model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return *model;
}

TEST(WeightDecayTest, EverythingDecaysUnlessALayerSaysOtherwise) {
  const Model model = Decaying(true);
  EXPECT_EQ(DecayOf(model, "conv.weight"), 0.5);
  EXPECT_EQ(DecayOf(model, "conv.bias"), 0.5);
  EXPECT_EQ(DecayOf(model, "prelu1.weight"), 1);
  EXPECT_EQ(DecayOf(model, "fc1.bias"), 1);
  EXPECT_EQ(DecayOf(model, "prelu2.weight"), 2);
  EXPECT_EQ(DecayOf(model, "fc2.weight"), 1);
  EXPECT_EQ(DecayOf(model, "fc2.bias"), 0);
}

TEST(WeightDecayTest, TheModelCanLeaveBiasesAlone) {
  const Model model = Decaying(false);
  EXPECT_EQ(DecayOf(model, "conv.weight"), 0.5);
  EXPECT_EQ(DecayOf(model, "conv.bias"), 0);
  EXPECT_EQ(DecayOf(model, "prelu1.weight"), 0);
  EXPECT_EQ(DecayOf(model, "fc1.weight"), 1);
  EXPECT_EQ(DecayOf(model, "fc1.bias"), 1) << "the layer states it";
  EXPECT_EQ(DecayOf(model, "prelu2.weight"), 2) << "the layer states it";
  EXPECT_EQ(DecayOf(model, "fc2.bias"), 0);
  EXPECT_EQ(
      model.graph.node(FindNode(model.graph, "fc2.bias")).op->Attributes(),
      "shape=1 init=uniform(-0.57735,0.57735) weight_decay_multiplier=0");
}

}  // namespace
}  // namespace kiln
