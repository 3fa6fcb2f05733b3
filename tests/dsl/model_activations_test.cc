// Activations and joins of the builder: their nodes, parameters and numbers,
// through the interpreter.
#include <cmath>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

const std::vector<double> kPoints = {-2, -0.5, 0, 1, 3};

// f of kPoints, a sample each, with these parameters; the loss is the sum.
class Net {
 public:
  template <typename Make>
  explicit Net(Make make) {
    const Value x = m_.Input("x", {1});
    const Value y = make(m_, x);
    m_.Output("y", y);
    m_.Loss(m_.L1(y, m_.Target("t", m_.TypeOf(y).shape)));
    const auto model = m_.Build();
    EXPECT_TRUE(model.ok()) << model.status();
    if (model.ok()) graph_ = model->graph;
    const int64_t width = ElementCount(m_.TypeOf(y).shape);
    values_.batch = static_cast<int64_t>(kPoints.size());
    values_.tensors["x"] = kPoints;
    // Far below: the loss is the sum of y + 100.
    values_.tensors["t"] = std::vector<double>(values_.batch * width, -100.0);
  }

  std::vector<double> Values() {
    return Interpret(graph_, values_).value()[FindHead(graph_, "y")];
  }
  Gradients GradientsOf() {
    const auto training = BuildTrainingGraph(graph_);
    EXPECT_TRUE(training.ok()) << training.status();
    return InterpretGradients(*training, values_).value();
  }
  Net& With(const std::string& name, std::vector<double> values) {
    values_.tensors[name] = std::move(values);
    return *this;
  }
  const Graph& graph() const { return graph_; }

 private:
  ModelBuilder m_;
  Graph graph_;
  GraphValues values_;
};

TEST(ModelActivationsTest, LeakyReluAndEluTakeTheirConstant) {
  EXPECT_THAT(
      Net([](ModelBuilder& m, Value x) { return m.LeakyRelu(x); }).Values(),
      Pointwise(DoubleEq(), {-0.02, -0.005, 0.0, 1.0, 3.0}));
  EXPECT_THAT(Net([](ModelBuilder& m, Value x) {
                return m.LeakyRelu(x, 0.5);
              }).Values(),
              ElementsAre(-1, -0.25, 0, 1, 3));
  EXPECT_THAT(
      Net([](ModelBuilder& m, Value x) { return m.Elu(x, 2); }).Values(),
      Pointwise(DoubleNear(1e-14),
                {2 * std::expm1(-2), 2 * std::expm1(-0.5), 0.0, 1.0, 3.0}));
}

// Negative constants, where the output does not tell the side.
TEST(ModelActivationsTest, NegativeConstantsKeepTheirGradient) {
  for (bool elu : {false, true}) {
    ModelBuilder m;
    const Value x = m.Input("x", {4}), y = m.Target("y", {3});
    const Value h = m.Dense("fc", x, {.out = 3});
    m.Loss(m.L2(elu ? m.Elu(h, -0.7) : m.LeakyRelu(h, -0.5), y));
    const auto model = m.Build();
    ASSERT_TRUE(model.ok()) << model.status();
    GraphValues values = {
        .batch = 2,
        .tensors = {{"x", {1, 2, -1, .5, -1, .5, 2, 1}},
                    {"y", {1, 2, 3, 1, 2, 3}},
                    {"fc.weight",
                     {.1, .2, .3, .4, -.3, -.2, .1, -.4, .2, -.1, -.3, .6}},
                    {"fc.bias", {.1, .2, -.3}}}};
    const auto report = CheckDifferentiation(model->graph, values);
    EXPECT_TRUE(report.ok()) << report.status();
  }
}

TEST(ModelActivationsTest, PreluHasOneSharedSlopeFromAQuarter) {
  Net net([](ModelBuilder& m, Value x) { return m.Prelu(x); });
  const Node& weight = net.graph().node(FindNode(net.graph(), "prelu1.weight"));
  EXPECT_EQ(weight.type.shape, Shape{1});
  EXPECT_EQ(weight.op->Attributes(), "shape=1 init=0.25");
  net.With("prelu1.weight", {0.25});
  EXPECT_THAT(net.Values(), ElementsAre(-0.5, -0.125, 0, 1, 3));
  // The sum of the inputs that are not positive.
  EXPECT_THAT(net.GradientsOf().at("prelu1.weight"), ElementsAre(-2.5));
}

// d_slope sums over samples, channels and pixels.
TEST(ModelActivationsTest, PreluOfImages) {
  ModelBuilder m;
  const Value x = m.Input("image", {2, 3, 2}), t = m.Target("t", {2, 3, 2});
  m.Loss(m.L2(m.Prelu(x), t));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  GraphValues values = {.batch = 2, .tensors = {{"prelu1.weight", {0.3}}}};
  double expected = 0;
  for (int i = 0; i < 24; ++i) {
    const double input = i % 3 == 0 ? 0.5 + i : -0.25 * i, target = 0.1 * i;
    values.tensors["image"].push_back(input);
    values.tensors["t"].push_back(target);
    if (input <= 0) expected += 2 * (0.3 * input - target) * input;
  }
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(InterpretGradients(*training, values)->at("prelu1.weight"),
              ElementsAre(DoubleNear(expected, 1e-9)));
}

TEST(ModelActivationsTest, CreluIsBothHalvesBehindEachOther) {
  Net net([](ModelBuilder& m, Value x) { return m.Crelu(x); });
  EXPECT_THAT(net.Values(), ElementsAre(0, 2, 0, 0.5, 0, 0, 1, 0, 3, 0));
  ModelBuilder m;
  const Value y = m.Crelu(m.Input("image", {3, 4, 5}));
  EXPECT_EQ(m.TypeOf(y).shape, (Shape{6, 4, 5}));
}

TEST(ModelActivationsTest, EveryNameCanBeAnOption) {
  std::vector<std::string> names = {"prelu", "crelu"};
  for (const Activation& activation : Activations())
    names.push_back(activation.name);
  EXPECT_GE(names.size(), 12u);
  for (const std::string& name : names) {
    ModelBuilder m;
    const Value x = m.Input("x", {4});
    const Value y = m.Activate(name, m.Dense("fc", x, {.out = 4}));
    m.Loss(m.L2(m.Dense("last", y, {.out = 1}), m.Target("y", {1})));
    const auto model = m.Build();
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_TRUE(model->graph.HasName(name + "1"));
    EXPECT_EQ(model->graph.HasName("prelu1.weight"), name == "prelu");
  }
}

TEST(ModelActivationsTest, OneOfTheModelsOwn) {
  Net net([](ModelBuilder& m, Value x) {
    return m.Activate("swish2", Arg(0) * Sigmoid(2 * Arg(0)), x);
  });
  EXPECT_TRUE(net.graph().HasName("swish21"));
  std::vector<double> expected;
  for (double x : kPoints) expected.push_back(x / (1 + std::exp(-2 * x)));
  EXPECT_THAT(net.Values(), Pointwise(DoubleNear(1e-15), expected));
}

TEST(ModelActivationsTest, JoinsAreElementByElement) {
  EXPECT_THAT(Net([](ModelBuilder& m, Value x) {
                return m.Add({x, x, x});
              }).Values(),
              ElementsAre(-6, -1.5, 0, 3, 9));
  EXPECT_THAT(Net([](ModelBuilder& m, Value x) {
                return m.Multiply({x, x, x});
              }).Values(),
              ElementsAre(-8, -0.125, 0, 1, 27));
  EXPECT_THAT(Net([](ModelBuilder& m, Value x) {
                return m.Concat({m.Relu(x), x});
              }).Values(),
              ElementsAre(0, -2, 0, -0.5, 0, 0, 1, 1, 3, 3));
}

}  // namespace
}  // namespace kiln
