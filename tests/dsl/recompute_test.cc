#include "dsl/recompute.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "dsl/liveness.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "dsl/print.h"
#include "gmock/gmock.h"
#include "tests/ops/references.h"
#include "tests/support/golden.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
void RegatherReference(const ReferenceCall<T>& call) {
  std::copy_n(call.inputs[0], call.batch() * call.OutSize(), call.output);
}

// What grad and step compute of the model.
Graph Training(const Graph& forward) {
  return KeepOutputs(*BuildTrainingGraph(forward),
                     {OutputKind::kLoss, OutputKind::kMetric,
                      OutputKind::kGradient, OutputKind::kState});
}

// Dropout, a pooling that needs its maxima's places, a sum in its reader's
// tiles, one that is stored for the backward pass (softplus), a reshape.
Graph SmallNet() {
  ModelBuilder m;
  Value x = m.Input("image", {1, 6, 6}, {.storage = Storage::kUint8});
  const Value label = m.Labels("label", 3);
  x = m.Conv2d("conv1", x, {.out_channels = 2, .kernel = 3});
  x = m.Dropout(m.MaxPool(m.Relu(x)), 0.5);
  x = m.Softplus(m.Dense("fc1", m.Flatten(x), {.out = 4}));
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  return Training(m.Build()->graph);
}

TEST(RecomputeTest, NothingDroppedIsTheGraphAsItWas) {
  const Graph training = SmallNet();
  EXPECT_EQ(ToText(*RecomputeInBackward(training, {})), ToText(training));
}

TEST(RecomputeTest, ClonesStandBeforeTheBackwardPass) {
  const auto graph = RecomputeInBackward(
      SmallNet(), {"image", "relu1", "dropout1.mask", "dropout1", "fc1"});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_TRUE(MatchesGolden("recompute_small_net", ToText(*graph)));
}

// Or it would be stored beside the clone that meets it.
TEST(RecomputeTest, AdjointsStayInTheirReadersTiles) {
  const Graph training = SmallNet();
  for (const auto& dropped :
       {std::set<std::string>{}, std::set<std::string>{"fc1"}}) {
    const Graph graph = *RecomputeInBackward(training, dropped);
    NodeId adjoint = 0;
    while (graph.node(adjoint).name != "fc2.d_input") ++adjoint;
    EXPECT_EQ(KeepingOf(graph)[adjoint], Keeping::kInTile);
  }
}

TEST(RecomputeTest, RefusesWhatIsNoForwardValue) {
  for (const char* name : {"nothing", "conv1.weight", "label", "fc2.d_input"}) {
    const auto graph = RecomputeInBackward(SmallNet(), {name});
    EXPECT_THAT(std::string(graph.status().message()), HasSubstr(name));
  }
}

// A layer that has the clone's name, in C at least.
TEST(RecomputeTest, ClonesGetNamesOfTheirOwn) {
  ModelBuilder m;
  const Value x = m.Input("x", {3});
  Value y = m.Tanh(m.Dense("fc1", x, {.out = 4}));
  y = m.Tanh(m.Dense("tanh1_again", y, {.out = 4}));
  m.Output("y", y);
  m.Loss(m.L2(y, m.Target("t", {4})));
  const auto graph = RecomputeInBackward(Training(m.Build()->graph), {"tanh1"});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_TRUE(graph->HasName("tanh1.again2"));
}

// Double precision, so every bit: of all that can be, and of every other one.
TEST(RecomputeTest, EveryModelHasTheSameGradients) {
  RegisterReference("regather", RegatherReference<double>,
                    RegatherReference<Rounded>);
  for (const std::string& name : ModelStructures()) {
    const Graph training = Training(BuildModel(name)->graph);
    const GraphValues values = RandomValues(training, 2, /*seed=*/3);
    const Gradients expected = *InterpretGradients(training, values);
    const std::set<std::string> all = RecomputableValues(training);
    std::set<std::string> some;
    for (const std::string& value : all) {
      if (std::distance(all.begin(), all.find(value)) % 2 == 0)
        some.insert(value);
    }
    for (const auto& dropped : {all, some}) {
      const auto graph = RecomputeInBackward(training, dropped);
      ASSERT_TRUE(graph.ok()) << graph.status();
      const auto actual = InterpretGradients(*graph, values);
      ASSERT_TRUE(actual.ok()) << actual.status();
      EXPECT_EQ(*actual, expected) << name;
    }
  }
}

TEST(RecomputeTest, LevelsTakeEverLess) {
  for (const char* name : {"lenet5", "cnn_5", "mnist_cnn"}) {
    const auto model = BuildModel(name);
    if (!model.ok()) continue;  // models/ is not built
    const Graph training = Training(model->graph);
    const std::vector<RecomputeLevel> levels = RecomputeLevels(training);
    ASSERT_GE(levels.size(), 2u) << name;
    EXPECT_TRUE(levels[0].dropped.empty());
    for (size_t i = 0; i < levels.size(); ++i) {
      const auto graph = RecomputeInBackward(training, levels[i].dropped);
      ASSERT_TRUE(graph.ok()) << graph.status();
      EXPECT_EQ(EstimateLiveness(*graph).peak_bytes, levels[i].peak_bytes);
      if (i > 0) EXPECT_LT(levels[i].peak_bytes, levels[i - 1].peak_bytes);
    }
    EXPECT_LE(RecomputeLevels(training, 2).size(), 2u);
    EXPECT_EQ(RecomputeLevels(training, 2).back().peak_bytes,
              levels.back().peak_bytes);
  }
}

// What costs no convolution goes first.
TEST(RecomputeTest, CheapValuesAreDroppedFirst) {
  ModelBuilder m;
  Value x = m.Input("image", {4, 8, 8});
  const Value label = m.Labels("label", 3);
  x = m.Relu(
      m.Conv2d("conv1", x, {.out_channels = 4, .kernel = 3, .padding = 1}));
  x = m.Relu(
      m.Conv2d("conv2", x, {.out_channels = 4, .kernel = 3, .padding = 1}));
  x = m.Relu(
      m.Conv2d("conv3", x, {.out_channels = 4, .kernel = 3, .padding = 1}));
  m.Loss(m.SoftmaxCrossEntropy(m.Dense("fc", m.Flatten(x), {.out = 3}), label));
  const auto levels = RecomputeLevels(Training(m.Build()->graph));
  ASSERT_GE(levels.size(), 3u);
  EXPECT_THAT(levels[1].dropped, ElementsAre("image"));
  EXPECT_GE(levels.back().dropped.size(), 2u);
}

// fc1 -> tanh1 -> fc2, of 3, 9 and 2 values. When tanh1.d_input is computed (9
// values), x (3), tanh1 (9) and the loss's adjoint (2) are there; fc1 itself
// never is.
TEST(LivenessTest, CountsWhatIsAliveTogether) {
  ModelBuilder m;
  const Value x = m.Input("x", {3}), t = m.Target("t", {2});
  const Value y =
      m.Dense("fc2", m.Tanh(m.Dense("fc1", x, {.out = 9})), {.out = 2});
  m.Loss(m.L2(y, t));
  const LivenessEstimate estimate =
      EstimateLiveness(Training(m.Build()->graph));
  EXPECT_EQ(estimate.peak_bytes, 4 * (3 + 9 + 9 + 2));
}

}  // namespace
}  // namespace kiln
