// The hand cases through the interpreter; their counts (4, 6) are in
// analysis_test, their output size (5) in type_test.
#include <cmath>
#include <memory>

#include "dsl/differentiate.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/hand_nets.h"
#include "tests/support/models.h"

namespace kiln {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pointwise;

std::vector<double> BooleanOutputs(std::vector<double> w1) {
  return ValueOf(BooleanNet()->graph, BooleanRows(std::move(w1), {1, 1}),
                 "fc2");
}

TEST(HandCase1Test, Xor) {
  EXPECT_THAT(BooleanOutputs({-1, 1, 1, -1}), ElementsAre(0, 1, 1, 0));
}
TEST(HandCase1Test, Or) {
  EXPECT_THAT(BooleanOutputs({1, 0, -1, 1}), ElementsAre(0, 1, 1, 1));
}

TEST(HandCase1Test, ATransposedMatrixDiffers) {
  // n1 = relu(A + 2 B), n2 = relu(-B); transposed it would be relu(A) + relu(2
  // A - B).
  EXPECT_THAT(BooleanOutputs({1, 2, 0, -1}), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(BooleanOutputs({1, 0, 2, -1}), ElementsAre(0, 0, 3, 2));
}

TEST(HandCase1Test, Gradient) {
  const auto training = BuildTrainingGraph(BooleanNet()->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  // dL/dW2[0] = 2 (out - y) n1 and dL/dW1[0][1] = 2 (out - y) W2[0] relu'(z1)
  // B, one row at a time.
  const double rows[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  const std::vector<double> w1 = {1, 2, 0, -1}, w2 = {3, -0.5};
  for (const auto& [a, b] : rows) {
    const double z1 = w1[0] * a + w1[1] * b, z2 = w1[2] * a + w1[3] * b,
                 n1 = std::fmax(z1, 0), n2 = std::fmax(z2, 0);
    const double y = 0.25, error = 2 * (w2[0] * n1 + w2[1] * n2 - y),
                 on1 = z1 > 0, on2 = z2 > 0;
    const auto gradients =
        InterpretGradients(*training, {.batch = 1,
                                       .tensors = {{"x", {a, b}},
                                                   {"y", {y}},
                                                   {"fc1.weight", w1},
                                                   {"fc2.weight", w2}}});
    ASSERT_TRUE(gradients.ok()) << gradients.status();
    EXPECT_THAT(gradients->at("fc2.weight"),
                ElementsAre(error * n1, error * n2));
    EXPECT_THAT(
        gradients->at("fc1.weight"),
        ElementsAre(error * w2[0] * on1 * a, error * w2[0] * on1 * b,  //
                    error * w2[1] * on2 * a, error * w2[1] * on2 * b));
  }
}

TEST(HandCase2Test, LogisticNet) {
  const Graph forward = LogisticNet()->graph;
  const GraphValues values = LogisticNetValues();
  const auto training = BuildTrainingGraph(forward);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_NEAR(ValueOf(forward, values, "sigmoid1")[0], 0.79705683, 5e-9);
  EXPECT_NEAR(ValueOf(forward, values, "sigmoid2")[0], 0.19278725, 5e-9);
  EXPECT_NEAR(ValueOf(forward, values, "sigmoid3")[0], 0.64544763, 5e-9);
  EXPECT_NEAR(*InterpretLoss(forward, values), 0.02115501, 5e-9);
  const auto gradients = InterpretGradients(*training, values);
  ASSERT_TRUE(gradients.ok()) << gradients.status();
  EXPECT_THAT(gradients->at("left.weight"),
              Pointwise(DoubleNear(5e-9), {0.00775308, -0.00947599}));
  EXPECT_THAT(gradients->at("right.weight"),
              Pointwise(DoubleNear(5e-9), {0.00062158, -0.00165754}));
  EXPECT_THAT(gradients->at("out1.weight"),
              Pointwise(DoubleNear(5e-9), {0.05306001}));
  EXPECT_THAT(gradients->at("out2.weight"),
              Pointwise(DoubleNear(5e-9), {0.01283383}));
}

TEST(HandCase3Test, TwoRelus) {
  const Graph forward = TwoRelus()->graph;
  EXPECT_THAT(ValueOf(forward, TwoRelusValues(), "relu1"),
              ElementsAre(0, 2, 3, 4, 6, 7));
  EXPECT_THAT(ValueOf(forward, TwoRelusValues(), "relu2"),
              ElementsAre(5, 3, 2, 1, 0, 0));
}

// Hand case 8: whatever reads the layer before an activation is forward; the
// backward pass knows the output alone.
class HandCase8Test : public ::testing::TestWithParam<std::string> {};

TEST_P(HandCase8Test, TheBackwardPassNeverReadsAPreActivation) {
  ModelBuilder m;
  const Value x = m.Input("image", {1, 6, 6}), y = m.Target("y", {2});
  Value h = m.Activate(GetParam(),
                       m.Conv2d("conv", x, {.out_channels = 3, .kernel = 3}));
  h = m.Activate(GetParam(), m.Dense("fc1", m.Flatten(h), {.out = 5}));
  m.Loss(m.L2(m.Dense("fc2", h, {.out = 2}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(ReadersOf(*training, "conv"), ElementsAre(GetParam() + "1"));
  EXPECT_THAT(ReadersOf(*training, "fc1"), ElementsAre(GetParam() + "2"));
}

INSTANTIATE_TEST_SUITE_P(Activations, HandCase8Test,
                         ::testing::Values("tanh", "sigmoid", "relu"),
                         [](const auto& info) { return info.param; });

TEST(HandCase8Test, NorDoThoseOfTheModels) {
  for (const std::string& name : ModelNames()) {
    const auto model = BuildModel(name);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto training = BuildTrainingGraph(model->graph);
    ASSERT_TRUE(training.ok()) << training.status();
    for (const Node& node : model->graph.nodes()) {
      const std::string attributes = node.op->Attributes();
      const bool by_output =
          attributes.rfind("tanh", 0) == 0 || attributes.rfind("relu", 0) == 0;
      if (!by_output) continue;
      const std::string& before = model->graph.node(node.inputs[0]).name;
      EXPECT_EQ(ReadersOf(*training, before),
                std::vector<std::string>{node.name})
          << name;
    }
  }
}

}  // namespace
}  // namespace kiln
