// Parameter and FLOP counts: hand cases 4 and 6, and the useful FLOPs that
// benchmarks divide by.
#include "dsl/analysis.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"

namespace kiln {
namespace {

int64_t LayerParameters(const Graph& graph, const std::string& layer) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    if (node.name == layer + ".weight" || node.name == layer + ".bias")
      count += ElementCount(node.type.shape);
  }
  return count;
}

TEST(ParameterCountTest, Lenet5) {
  const auto model = BuildModel("lenet5");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(LayerParameters(model->graph, "conv1"), 156);
  EXPECT_EQ(LayerParameters(model->graph, "conv2"), 2416);
  EXPECT_EQ(LayerParameters(model->graph, "fc1"), 48120);
  EXPECT_EQ(LayerParameters(model->graph, "fc2"), 10164);
  EXPECT_EQ(LayerParameters(model->graph, "fc3"), 850);
  EXPECT_EQ(ParameterCount(model->graph), 61706);
}

TEST(ParameterCountTest, AnMlpOnAFullHdPictureIsCountedWithoutBeingAllocated) {
  ModelBuilder m;
  const Value image = m.Input("image", {3, 1080, 1920}),
              label = m.Labels("label", 10);
  const Value logits = m.Dense(
      "fc2", m.Dense("fc1", m.Flatten(image), {.out = 256}), {.out = 10});
  m.Loss(m.SoftmaxCrossEntropy(logits, label));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ParameterCount(model->graph), 1592527626);
}

TEST(ParameterCountTest, TenConvolutions) {
  ModelBuilder m;
  Value x = m.Input("image", {3, 64, 64});
  for (int layer = 1; layer <= 10; ++layer) {
    x = m.Conv2d(absl::StrCat("conv", layer), x,
                 {.out_channels = 64, .kernel = 4});
  }
  m.Loss(m.L2(x, x));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ParameterCount(model->graph), 593536);
}

int64_t ConvolutionAndPoolFlops(bool bias) {
  ModelBuilder m;
  const Value x = m.Input("image", {50, 12, 12});
  m.MaxPool(m.Conv2d("conv", x,
                     {.out_channels = 20,
                      .kernel = 4,
                      .stride = 2,
                      .padding = 1,
                      .bias = bias}),
            {.kernel = 3, .stride = 1});
  m.Loss(m.L2(x, x));
  const absl::StatusOr<Model> model = m.Build();
  int64_t flops = 0;
  for (const Node& node : model->graph.nodes()) {
    if (node.name == "conv" || node.name == "pool1") {
      flops += node.op->Flops(model->graph.InputTypes(node), node.type).all;
    }
  }
  return flops;
}

TEST(FlopsTest, HandCase6) {
  EXPECT_EQ(ConvolutionAndPoolFlops(/*bias=*/true), 1154560);
  EXPECT_EQ(ConvolutionAndPoolFlops(/*bias=*/false), 1153840);
}

TEST(FlopsTest, SmallOpsByHand) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {3}), w = maker.Parameter("w", {2, 3}),
               b = maker.Parameter("b", {2});
  const NodeId label = maker.Labels("label", 2);
  auto flops = [&](OpPtr op, std::vector<NodeId> inputs) {
    const Node& node =
        maker.graph().node(maker.Add(std::move(op), std::move(inputs)));
    return node.op->Flops(maker.graph().InputTypes(node), node.type).all;
  };
  EXPECT_EQ(flops(std::make_shared<DenseOp>(), {x, w, b}),
            12);  // 3 products, 3 additions, twice
  EXPECT_EQ(flops(std::make_shared<DenseOp>(), {x, w}),
            10);  // one addition less each
  EXPECT_EQ(flops(std::make_shared<SumOp>(), {x}), 2);
  EXPECT_EQ(flops(std::make_shared<PointwiseOp>("f", 1 - Arg(0) * Arg(0)), {x}),
            6);
  // 2 exponentials, 2 subtractions of the maximum (found by 1 comparison), 1
  // addition, 1 logarithm, 1 subtraction.
  const NodeId logits = FindNode(maker.graph(), "dense");
  EXPECT_EQ(flops(std::make_shared<SoftmaxCrossEntropyOp>(), {logits, label}),
            8);
}

// Two per multiply-add of every convolution and dense layer: forward, in the
// weight gradients, and in the input gradients of all layers but the first.
int64_t UsefulTwice(int64_t first, int64_t others) {
  return 2 * (2 * first + 3 * others);
}

TEST(TrainingFlopsTest, UsefulFlopsOfTheModels) {
  struct Case {
    std::string model;
    int64_t first, others;  // multiply-adds
    int64_t total;
  };
  const std::vector<Case> cases = {
      {"lenet5", 6 * 25 * 28 * 28,
       16 * 150 * 100 + 400 * 120 + 120 * 84 + 84 * 10, 2263920},
      {"mnist_cnn", 4 * 25 * 24 * 24, 8 * 100 * 64 + 128 * 128 + 128 * 10,
       643584},
      {"xor_mlp", 8, 4, 56},
  };
  for (const Case& c : cases) {
    const auto model = BuildModel(c.model);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto training = BuildTrainingGraph(model->graph);
    ASSERT_TRUE(training.ok()) << training.status();
    const TrainingFlops flops = CountTrainingFlops(model->graph, *training);
    EXPECT_EQ(UsefulTwice(c.first, c.others), c.total) << c.model;
    EXPECT_EQ(flops.useful_forward + flops.useful_backward, c.total) << c.model;
    EXPECT_EQ(flops.useful_forward, 2 * (c.first + c.others)) << c.model;
    EXPECT_GT(flops.forward, flops.useful_forward) << c.model;
    EXPECT_EQ(CountFlops(*training).useful, c.total) << c.model;
  }
}

TEST(TrainingFlopsTest, FrozenAndDeadLayersHaveNoBackward) {
  ModelBuilder m;
  const Value x = m.Input("x", {10}), y = m.Target("y", {1});
  const Value hidden = m.Dense("fc1", x, {.out = 20, .frozen = true});
  m.Dense("unused", x, {.out = 30, .frozen = true});
  m.Loss(m.L2(m.Dense("fc2", hidden, {.out = 1}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  const TrainingFlops flops = CountTrainingFlops(model->graph, *training);
  EXPECT_EQ(flops.useful_forward, 2 * (10 * 20 + 20));
  EXPECT_EQ(flops.useful_backward, 2 * 20);  // fc2's weight gradient alone
}

}  // namespace
}  // namespace kiln
