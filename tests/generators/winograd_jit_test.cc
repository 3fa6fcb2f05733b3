// Convolutions by Winograd's minimal filtering, emitted, against the
// interpreter's plain sums.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "dsl/model.h"
#include "dsl/ops/conv2d.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/forced_schedules.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

// Two convolutions of two channels and more, the second with an input's
// gradient.
Graph Net(const Conv2dOptions& first, const Conv2dOptions& second, int64_t rows,
          int64_t columns, const std::string& activation) {
  ModelBuilder m;
  Value x = m.Input("x", {2, rows, columns});
  x = m.Activate(activation, m.Conv2d("conv1", x, first));
  x = m.Activate(activation, m.Conv2d("conv2", x, second));
  x = m.Dense("fc", m.Flatten(x), {.out = 3});
  m.Output("y", x);
  m.Loss(m.L2(x, m.Target("t", {3})));
  const absl::StatusOr<Model> model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  const absl::StatusOr<Graph> training = BuildTrainingGraph(model->graph);
  EXPECT_TRUE(training.ok()) << training.status();
  return *training;
}

std::vector<const Family*> WinogradFamilies(const ScheduleChoice& choice) {
  std::vector<const Family*> families;
  for (const Family& family : choice.families) {
    if (absl::StartsWith(family.name, "winograd")) families.push_back(&family);
  }
  return families;
}

// Wherever it can be it is, in `nodes` of them: the `which`-th family of a
// node, and in it the tile at `share` of the candidates. Of blocks of samples
// those are both layers and both gradients of conv2; conv1's weight gradient
// reads an adjoint that is computed by rows.
void ExpectSameResults(const Graph& training, int block, size_t which,
                       double share, int nodes = 4) {
  int count = 0;
  ExpectSameResults(training, block, [&](const ScheduleChoice& choice) {
    const std::vector<const Family*> families = WinogradFamilies(choice);
    if (families.empty()) return choice.computed;
    ++count;
    const Family& family = *families[which % families.size()];
    return NodeSchedule{family.name, TileAt(family, share)};
  });
  EXPECT_EQ(count, nodes);
}

TEST(WinogradJitTest, KernelsOfFiveRows) {
  const Graph net = Net({.out_channels = 6, .kernel = 5},
                        {.out_channels = 8, .kernel = 5}, 14, 15, "tanh");
  ExpectSameResults(net, 16, 0, 0);
  ExpectSameResults(net, 16, 1, 0.5);
}

TEST(WinogradJitTest, KernelsOfThreeRowsWithPadding) {
  const Graph net =
      Net({.out_channels = 5, .kernel = 3, .padding = 1},
          {.out_channels = 7, .kernel = 3, .padding = 1}, 8, 9, "relu");
  ExpectSameResults(net, 16, 0, 0.3);
  ExpectSameResults(net, 16, 1, 1);
}

TEST(WinogradJitTest, SeveralVectorsOfSamples) {
  ExpectSameResults(
      Net({.out_channels = 4, .kernel = 3},
          {.out_channels = 10, .kernel = {5, 3}}, 12, 8, "sigmoid"),
      64, 0, 0.1);
}

// Vectors of two columns and of four, where vectors have 16 lanes; the input's
// gradient has them across the edge.
TEST(WinogradJitTest, VectorsOfSeveralColumns) {
  const Graph net = Net({.out_channels = 6, .kernel = 5},
                        {.out_channels = 8, .kernel = {3, 5}}, 14, 16, "tanh");
  ExpectSameResults(net, 8, 0, 0);
  ExpectSameResults(net, 8, 1, 0.5);
  const Conv2dOptions padded = {.out_channels = 5, .kernel = 3, .padding = 1};
  ExpectSameResults(Net(padded, padded, 8, 12, "relu"), 4, 0, 0.3);
}

// 44 columns of 5 taps: the input's gradient does not unroll them.
TEST(WinogradJitTest, LongRows) {
  ExpectSameResults(
      Net({.out_channels = 3, .kernel = {3, 5}, .padding = {1, 2}},
          {.out_channels = 4, .kernel = {3, 5}, .padding = {0, 1}}, 8, 44,
          "relu"),
      16, 0, 0);
}

// Windows of some channels at one point at a time, for the weight's gradient.
TEST(WinogradJitTest, ImagesBeyondTheCache) {
  ExpectSameResults(
      Net({.out_channels = 6, .kernel = 3, .padding = 1},
          {.out_channels = 5, .kernel = 5, .padding = 2}, 22, 20, "tanh"),
      64, 0, 0.2);
}

TEST(WinogradJitTest, KernelsOfOneColumn) {
  ExpectSameResults(Net({.out_channels = 18, .kernel = {3, 2}},
                        {.out_channels = 7, .kernel = {5, 1}}, 12, 9, "relu"),
                    16, 0, 0.1);
}

// Rows that are stored for two readers, none of them the convolution's own
// activation; without a bias.
TEST(WinogradJitTest, ImagesOfTwoReaders) {
  ModelBuilder m;
  Value x = m.Input("x", {2, 8, 8});
  x = m.Conv2d("conv1", x, {.out_channels = 3, .kernel = 3, .bias = false});
  x = m.Pointwise("gate", {m.Tanh(x), x}, Arg(0) * Arg(1));
  x = m.Conv2d("conv2", x, {.out_channels = 4, .kernel = 3});
  m.Output("image", x);
  x = m.Dense("fc", m.Flatten(x), {.out = 3});
  m.Loss(m.L2(x, m.Target("t", {3})));
  ExpectSameResults(*BuildTrainingGraph(m.Build()->graph), 16, 0, 0);
}

// Lanes of output channels: both layers and their weights' gradients. Windows
// of columns, of a few channels, and of channels, of conv2.
TEST(WinogradJitTest, OneSample) {
  ExpectSameResults(
      Net({.out_channels = 16, .kernel = 5},
          {.out_channels = 8, .kernel = 3, .padding = 1}, 14, 13, "tanh"),
      1, 0, 0, 4);
  ExpectSameResults(
      Net({.out_channels = 8, .kernel = {3, 5}, .padding = {1, 2}},
          {.out_channels = 32, .kernel = {5, 2}, .bias = false}, 8, 9, "relu"),
      1, 0, 0.6, 4);
  // conv1 has lanes of columns.
  ExpectSameResults(Net({.out_channels = 3, .kernel = 3},
                        {.out_channels = 16, .kernel = 3}, 12, 15, "sigmoid"),
                    1, 0, 1, 2);
}

std::vector<std::string> TakenNodes(
    const std::vector<ScheduleChoice>& choices) {
  std::vector<std::string> nodes;
  for (const ScheduleChoice& choice : choices) {
    if (absl::StartsWith(choice.chosen.family, "winograd"))
      nodes.push_back(choice.node);
  }
  return nodes;
}

// One sample: windows of one image, of 3 and of 5 rows and twice the same; and
// a weight of two layers, which is packed once. The gradient of conv1 and conv2
// is one.
TEST(WinogradJitTest, OneSampleOfSharedImagesAndWeights) {
  ModelBuilder m;
  Value x = m.Input("x", {2, 12, 12});
  x = m.Relu(m.Conv2d("conv0", x, {.out_channels = 8, .kernel = 3}));
  const Conv2dOptions three = {.out_channels = 8, .kernel = 3, .padding = 1},
                      five = {.out_channels = 8, .kernel = 5, .padding = 2};
  const Value sum =
      m.Add({m.Conv2d("conv1", x, three), m.Conv2d("conv2", x, three),
             m.Conv2d("conv3", x, five)});
  const Value weight = m.Parameter(
      "weight", {.shape = {8, 8, 3, 3}, .init = Initializer::Uniform(-1, 1)});
  const auto conv = std::make_shared<Conv2dOp>(
      Conv2dGeometry{.kernel = 3, .stride = 1, .padding = 1});
  x = m.Tanh(m.Apply("conv4", conv, {m.Tanh(sum), weight}));
  x = m.Apply("conv5", conv, {x, weight});
  x = m.Dense("fc", m.Flatten(x), {.out = 3});
  m.Loss(m.L2(x, m.Target("t", {3})));
  ExpectSameResults(*BuildTrainingGraph(m.Build()->graph), 1, 0, 0.2, 11);
}

// What LeNet's second convolution gains, its first, of one channel, does not.
TEST(WinogradJitTest, IsTakenWhereItPays) {
  ModelBuilder m;
  Value x = m.Input("x", {1, 32, 32});
  x = m.Tanh(m.Conv2d("conv1", x, {.out_channels = 6, .kernel = 5}));
  x = m.AvgPool(x);
  x = m.Tanh(m.Conv2d("conv2", x, {.out_channels = 16, .kernel = 5}));
  x = m.Dense("fc", m.Flatten(x), {.out = 3});
  m.Output("y", x);
  m.Loss(m.L2(x, m.Target("t", {3})));
  std::vector<Halide::Func> outputs;
  const Graph training = *BuildTrainingGraph(m.Build()->graph);
  const auto choices = Choices(training, GradOf(16), &outputs);

  using testing::Contains;
  EXPECT_THAT(TakenNodes(choices),
              testing::UnorderedElementsAre("conv2", "conv2_d_input",
                                            "conv2_d_weight"));
  // And is what is emitted.
  std::vector<std::string> funcs = FuncNames(outputs);
  for (const char* func : {"conv2_weight_winograd", "conv2_products",
                           "conv2_d_input_products", "conv2_d_weight_window"})
    EXPECT_THAT(funcs, Contains(func));
  EXPECT_THAT(funcs, testing::Not(Contains("conv1_products")));

  EXPECT_THAT(TakenNodes(Choices(training, GradOf(1), &outputs)),
              testing::UnorderedElementsAre("conv2", "conv2_d_weight"));
  funcs = FuncNames(outputs);
  for (const char* func :
       {"conv2_weight_winograd", "conv2_products", "conv2_d_weight_products"})
    EXPECT_THAT(funcs, Contains(func));
}

TEST(WinogradJitTest, OtherNodesHaveNoSuchFamily) {
  const auto count = [](const Graph& training, int block) {
    int families = 0;
    for (const ScheduleChoice& choice : Choices(training, GradOf(block)))
      families += static_cast<int>(WinogradFamilies(choice).size());
    return families;
  };
  const Conv2dOptions three = {.out_channels = 4, .kernel = 3};
  EXPECT_EQ(count(Net(three, three, 10, 10, "relu"), 64), 7);
  EXPECT_EQ(count(Net(three, three, 10, 10, "relu"), 1), 2);  // conv2
  // An odd number of rows, rows that end within a vector, a step of two,
  // kernels of others.
  EXPECT_EQ(count(Net(three, three, 11, 10, "relu"), 64), 0);
  EXPECT_EQ(count(Net(three, three, 11, 10, "relu"), 1), 0);
  EXPECT_EQ(count(Net(three, three, 10, 10, "relu"), 2), 0);
  const Conv2dOptions same = {.out_channels = 4, .kernel = 3, .padding = 1};
  EXPECT_EQ(count(Net(same, same, 12, 12, "relu"), 12), 0);
  const Conv2dOptions strided = {.out_channels = 4, .kernel = 3, .stride = 2},
                      two = {.out_channels = 4, .kernel = {4, 3}},
                      nine = {.out_channels = 4, .kernel = {9, 3}};
  EXPECT_EQ(count(Net(strided, strided, 21, 21, "relu"), 64), 0);
  EXPECT_EQ(count(Net(two, two, 12, 10, "relu"), 64), 0);
  EXPECT_EQ(count(Net(nine, nine, 20, 10, "relu"), 64), 0);
}

}  // namespace
}  // namespace kiln
