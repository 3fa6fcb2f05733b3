// Frozen layers cost nothing: neither the graph that is emitted nor the
// pipelines' arguments have anything of their gradients.
#include <set>
#include <string>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "generators/arguments.h"
#include "gmock/gmock.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

// Two convolutions and a PReLU that may be frozen, then a classifier.
Graph TrainingOf(bool frozen) {
  ModelBuilder m;
  Value x = m.Input("image", {1, 8, 8});
  const Value label = m.Labels("label", 3);
  x = m.MaxPool(m.Prelu(
      m.Conv2d("conv1", x, {.out_channels = 2, .kernel = 3, .frozen = frozen}),
      {.frozen = frozen}));
  x = m.Tanh(
      m.Conv2d("conv2", x, {.out_channels = 4, .kernel = 2, .frozen = frozen}));
  const Value logits = m.Dense("classifier", m.Flatten(x), {.out = 3});
  m.Output("logits", logits);
  m.Loss(m.SoftmaxCrossEntropy(logits, label));
  const auto model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  EXPECT_TRUE(training.ok()) << training.status();
  return *training;
}

std::set<std::string> NamesOf(const Graph& graph) {
  std::set<std::string> names;
  for (const Node& node : graph.nodes()) names.insert(node.name);
  return names;
}

std::set<std::string> ArgumentsFor(const Graph& training, PipelineKind kind) {
  const Graph graph = PipelineGraph(training, kind);
  std::set<std::string> names;
  for (const Argument& argument :
       ListArguments(graph, {kind, 8, Schedule::kFast, "momentum"}))
    names.insert(argument.name);
  return names;
}

TEST(FrozenLayersTest, HaveNoNodesOfTheBackwardPass) {
  const std::set<std::string> frozen = NamesOf(TrainingOf(true)),
                              trained = NamesOf(TrainingOf(false));
  for (const char* backward :
       {"conv1.d_weight", "conv1.d_bias", "prelu1.d_input0", "prelu1.d_input1",
        "prelu1.slope.d_input", "pool1.index", "pool1.d_input",
        "conv2.d_weight", "conv2.d_bias", "conv2.d_input", "tanh1.d_input",
        "classifier.d_input"}) {
    EXPECT_THAT(trained, Contains(backward));
    EXPECT_THAT(frozen, Not(Contains(backward)));
  }
  EXPECT_THAT(frozen, Contains("classifier.d_weight"));
}

TEST(FrozenLayersTest, AreNoOutputsOfThePipelines) {
  for (PipelineKind kind : {PipelineKind::kGrad, PipelineKind::kStep}) {
    const auto frozen = ArgumentsFor(TrainingOf(true), kind),
               trained = ArgumentsFor(TrainingOf(false), kind);
    const char* suffixes[] = {"_grad", "_out", "_momentum", "_momentum_out"};
    int found = 0;
    for (const std::string layer :
         {"conv1_weight", "conv1_bias", "prelu1_weight", "conv2_weight",
          "conv2_bias"}) {
      EXPECT_THAT(frozen, Contains(layer)) << "it is still read";
      for (const char* suffix : suffixes) {
        EXPECT_THAT(frozen, Not(Contains(layer + suffix)));
        found += static_cast<int>(trained.count(layer + suffix));
      }
    }
    EXPECT_EQ(found, kind == PipelineKind::kGrad ? 5 : 15);
  }
}

// What the forward pass computes for the frozen layers is read by it alone.
TEST(FrozenLayersTest, KeepNothingForTheBackwardPass) {
  const Graph frozen = TrainingOf(true);
  EXPECT_THAT(ReadersOf(frozen, "conv1"), ElementsAre("prelu1"));
  EXPECT_THAT(ReadersOf(frozen, "pool1"), ElementsAre("conv2"));
  EXPECT_THAT(ReadersOf(frozen, "tanh1"), ElementsAre("flatten1"));
  EXPECT_THAT(ReadersOf(TrainingOf(false), "tanh1"),
              ElementsAre("flatten1", "tanh1.d_input"));
}

}  // namespace
}  // namespace kiln
