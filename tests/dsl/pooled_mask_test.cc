#include "dsl/pooled_mask.h"

#include <string>
#include <vector>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

// Convolution, activation, pooling, dense layer.
Graph Net(const std::string& activation, const PoolOptions& pool) {
  ModelBuilder m;
  Value x = m.Input("image", {1, 9, 9}, {});
  const Value label = m.Labels("label", 3);
  x = m.Conv2d("conv1", x, {.out_channels = 2, .kernel = 3});
  x = m.MaxPool(m.Activate(activation, x), pool);
  x = m.Dense("fc1", m.Flatten(x), {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  return *BuildTrainingGraph(m.Build()->graph);
}

// What the gradient of the activation reads, by name.
std::vector<std::string> ReadByGradient(const std::string& activation,
                                        const PoolOptions& pool) {
  const Graph graph = Net(activation, pool);
  std::vector<std::string> names;
  for (NodeId id : InputsRead(graph, FindNode(graph, activation + "1.d_input")))
    names.push_back(graph.node(id).name);
  return names;
}

TEST(PooledMaskTest, MaximaStandForTheImage) {
  EXPECT_THAT(ReadByGradient("relu", {}),
              ElementsAre("pool1.d_input", "pool1"));
  EXPECT_THAT(ReadByGradient("relu", {.kernel = 3, .stride = 3}),
              ElementsAre("pool1.d_input", "pool1"));
  EXPECT_THAT(ReadByGradient("leaky_relu", {}),
              ElementsAre("pool1.d_input", "pool1"));
}

TEST(PooledMaskTest, OverlappingOrPaddedWindowsReadTheImage) {
  EXPECT_THAT(ReadByGradient("relu", {.kernel = 3, .stride = 2}),
              ElementsAre("pool1.d_input", "relu1"));
  EXPECT_THAT(ReadByGradient("relu", {.kernel = 2, .stride = 2, .padding = 1}),
              ElementsAre("pool1.d_input", "relu1"));
}

TEST(PooledMaskTest, OtherDerivativesReadTheImage) {
  // Not 0 times a step where the window's maximum is infinite or NaN.
  EXPECT_THAT(ReadByGradient("tanh", {}),
              ElementsAre("pool1.d_input", "tanh1"));
  EXPECT_THAT(ReadByGradient("sigmoid", {}),
              ElementsAre("pool1.d_input", "sigmoid1"));
}

TEST(PooledMaskTest, AnotherReaderChangesNothing) {
  const Graph graph = Net("relu", {});
  const NodeId pool = FindNode(graph, "pool1");
  EXPECT_EQ(InputsRead(graph, pool), graph.node(pool).inputs);
  const NodeId index = FindNode(graph, "pool1.index");
  EXPECT_EQ(InputsRead(graph, index), graph.node(index).inputs);
}

}  // namespace
}  // namespace kiln
