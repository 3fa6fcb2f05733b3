// What differentiation leaves out, and hand case 8: the backward pass of a
// logistic, tanh or ReLU layer reads the layer's output alone.
#include "dsl/report.h"

#include <algorithm>

#include "dsl/activations.h"
#include "dsl/ops/dense.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Graph Training(const Graph& forward) {
  absl::StatusOr<Graph> training = BuildTrainingGraph(forward);
  EXPECT_TRUE(training.ok()) << training.status();
  return training.ok() ? *std::move(training) : Graph();
}

Graph Forward(void (*define)(ModelBuilder&)) {
  ModelBuilder m;
  define(m);
  const absl::StatusOr<Model> model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? model->graph : Graph();
}

Notes NotesOf(void (*define)(ModelBuilder&)) {
  const Graph forward = Forward(define);
  const absl::StatusOr<Notes> notes =
      ReportBackward(forward, Training(forward));
  EXPECT_TRUE(notes.ok()) << notes.status();
  return notes.ok() ? *notes : Notes();
}

std::vector<std::string> BackwardReaders(const Graph& forward,
                                         const Graph& training,
                                         const std::string& name) {
  std::vector<std::string> readers = ReadersOf(training, name);
  readers.erase(std::remove_if(readers.begin(), readers.end(),
                               [&](const std::string& reader) {
                                 return forward.HasName(reader);
                               }),
                readers.end());
  return readers;
}

// fc1 -> activation -> fc2: `activation` of a layer of 5 units.
template <Value (ModelBuilder::*activation)(Value, Where)>
void Activated(ModelBuilder& m) {
  const Value x = m.Input("x", {3}), y = m.Target("y", {2});
  const Value hidden =
      (m.*activation)(m.Dense("fc1", x, {.out = 5}), Where::current());
  m.Loss(m.L2(m.Dense("fc2", hidden, {.out = 2}), y));
}

TEST(HandCase8Test, BackwardReadsTheOutputAlone) {
  const std::pair<void (*)(ModelBuilder&), std::string> cases[] = {
      {Activated<&ModelBuilder::Sigmoid>, "sigmoid1"},
      {Activated<&ModelBuilder::Tanh>, "tanh1"},
      {Activated<&ModelBuilder::Relu>, "relu1"}};
  for (const auto& [define, name] : cases) {
    const Graph forward = Forward(define), training = Training(forward);
    EXPECT_THAT(BackwardReaders(forward, training, "fc1"), IsEmpty()) << name;
    EXPECT_THAT(BackwardReaders(forward, training, name),
                ElementsAre("fc2.d_weight", name + ".d_input"));
    const auto dropped = DroppedPreactivations(forward, training);
    ASSERT_EQ(dropped.size(), 1u);
    EXPECT_EQ(dropped[0].activation, name);
    EXPECT_EQ(dropped[0].values, 5);
  }
}

TEST(HandCase8Test, TheFourModelsKeepNone) {
  const auto model = BuildModel("lenet5");
  ASSERT_TRUE(model.ok()) << model.status();
  const Graph training = Training(model->graph);
  for (const char* layer : {"conv1", "conv2", "fc1", "fc2"}) {
    EXPECT_THAT(BackwardReaders(model->graph, training, layer), IsEmpty())
        << layer;
  }
}

// tanh'(x) = 4 (s(2x) - s(2x)^2), s the logistic function: by the formula, and
// by the derivative in terms of the output that the backward pass has.
TEST(HandCase8Test, TanhByTheLogisticFunction) {
  const ScalarExpr x = Arg(0), s = Sigmoid(2 * x);
  const ScalarExpr by_formula = Derivative(Tanh(x), 0),
                   by_output = *FindActivation("tanh")->derivative_by_output,
                   by_logistic = 4 * (s - s * s);
  for (double at = -6; at <= 6; at += 0.125) {
    const double y = Evaluate(Tanh(x), {at}),
                 expected = Evaluate(by_logistic, {at});
    EXPECT_NEAR(Evaluate(by_formula, {at}), expected, 1e-14) << at;
    EXPECT_NEAR(Evaluate(by_output, {y}), expected, 1e-14) << at;
  }
}

// A derivative of what goes in reads what goes in: nothing is said of it.
TEST(DroppedPreactivationsTest, NotOfAFormulaThatReadsIt) {
  const Graph forward = Forward([](ModelBuilder& m) {
    const Value x = m.Input("x", {3}), y = m.Target("y", {2});
    const Value hidden = m.Pointwise("swish", {m.Dense("fc1", x, {.out = 5})},
                                     Arg(0) * Sigmoid(Arg(0)));
    m.Loss(m.L2(m.Dense("fc2", hidden, {.out = 2}), y));
  });
  EXPECT_THAT(DroppedPreactivations(forward, Training(forward)), IsEmpty());
}

// Nor where another layer, or a head, reads the pre-activation.
TEST(DroppedPreactivationsTest, NotWhereItIsReadElsewhere) {
  const Graph forward = Forward([](ModelBuilder& m) {
    const Value x = m.Input("x", {3}), y = m.Target("y", {5});
    const Value hidden = m.Dense("fc1", x, {.out = 5});
    m.Output("before", hidden);
    m.Loss(m.L2(m.Tanh(hidden), y));
  });
  EXPECT_THAT(DroppedPreactivations(forward, Training(forward)), IsEmpty());
}

TEST(ReportBackwardTest, Lenet5) {
  const auto model = BuildModel("lenet5");
  ASSERT_TRUE(model.ok()) << model.status();
  const auto notes = ReportBackward(model->graph, Training(model->graph));
  ASSERT_TRUE(notes.ok()) << notes.status();
  // 4 (4,704 + 1,600 + 120 + 84) bytes; conv1's input gradient has 2 x 6 x 25 x
  // 784 FLOPs, gives 32 x 32 values, and the crop 28 x 28 of them.
  EXPECT_THAT(
      *notes,
      ElementsAre("backward keeps no pre-activation of tanh1 (4,704 values), "
                  "tanh2 (1,600), tanh3 (120) and tanh4 (84): 26,032 bytes a "
                  "sample less",
                  "gradient of input image not computed: saves 235,200 FLOPs a "
                  "sample and 7,232 bytes a sample"));
}

TEST(ReportBackwardTest, FrozenParameters) {
  // Frozen below all that is trained: its input's and its own gradients.
  EXPECT_THAT(
      NotesOf([](ModelBuilder& m) {
        const Value x = m.Input("x", {10}), y = m.Target("y", {1});
        const Value h =
            m.Dense("fc1", x, {.out = 20, .bias = false, .frozen = true});
        m.Loss(m.L2(m.Dense("fc2", h, {.out = 1, .bias = false}), y));
      }),
      ElementsAre(
          // fc2.d_input (20 products of one) and fc1.d_input: 2 (20 + 200)
          // FLOPs, 20 + 10 values.
          "gradient of input x not computed: saves 440 FLOPs a sample and 120 "
          "bytes a sample",
          "frozen fc1.weight: saves 440 FLOPs a sample, 80 bytes a sample and "
          "800 bytes of gradient"));
  // Frozen above a trained layer: the adjoint is needed all the same.
  EXPECT_THAT(
      NotesOf([](ModelBuilder& m) {
        const Value y = m.Target("y", {1});
        const Value w = m.Parameter("w", {.shape = {7, 3}});
        const Value x = m.Apply("dense", std::make_shared<DenseOp>(),
                                {m.Input("x", {3}), w});
        m.Loss(m.L2(
            m.Dense("fc2", x, {.out = 1, .bias = false, .frozen = true}), y));
      }),
      ElementsAre("gradient of input x not computed: saves 42 FLOPs a sample "
                  "and 12 bytes a sample",
                  "frozen fc2.weight: saves 14 FLOPs a sample and 28 bytes of "
                  "gradient"));
}

}  // namespace
}  // namespace kiln
