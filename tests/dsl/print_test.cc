// Goldens of the texts that people read: graphs, their pictures, and what
// differentiation makes of them.
#include "dsl/print.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/channel_affine.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/golden.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"

namespace kiln {
namespace {

class ModelPrintTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelPrintTest, TrainingGraph) {
  const auto model = BuildModel(GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_TRUE(
      MatchesGolden(absl::StrCat(GetParam(), "_training"), ToText(*training)));
}

TEST_P(ModelPrintTest, ForwardDot) {
  const auto model = BuildModel(GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(
      MatchesGolden(absl::StrCat(GetParam(), "_dot"), ToDot(model->graph)));
}

INSTANTIATE_TEST_SUITE_P(Models, ModelPrintTest,
                         ::testing::Values("lenet5", "mnist_cnn", "xor_mlp"),
                         [](const auto& info) { return info.param; });

// What differentiation makes of one op between a trained value and a loss.
void CheckGradientGolden(const std::string& name, const GraphMaker& maker) {
  const auto training = BuildTrainingGraph(maker.graph());
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_TRUE(
      MatchesGolden(absl::StrCat("gradient_", name), ToText(*training)));
}

TEST(GradientPrintTest, Conv2d) {
  GraphMaker maker;
  const NodeId x = maker.Trained("x", {2, 5, 4}),
               w = maker.Parameter("w", {3, 2, 3, 2}),
               b = maker.Parameter("b", {3});
  const Conv2dGeometry geometry{
      .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}};
  maker.ProjectToLoss(
      maker.Add(std::make_shared<Conv2dOp>(geometry), {x, w, b}, "conv"), "y");
  CheckGradientGolden("conv2d", maker);
}

TEST(GradientPrintTest, Dense) {
  GraphMaker maker;
  const NodeId x = maker.Trained("x", {4}), w = maker.Parameter("w", {3, 4}),
               b = maker.Parameter("b", {3});
  maker.ProjectToLoss(maker.Add(std::make_shared<DenseOp>(), {x, w, b}, "fc"),
                      "y");
  CheckGradientGolden("dense", maker);
}

TEST(GradientPrintTest, ChannelAffine) {
  GraphMaker maker;
  const NodeId x = maker.Trained("x", {2, 3, 3});
  const NodeId y = maker.Add(
      std::make_shared<ChannelAffineOp>(),
      {x, maker.Parameter("weight", {2}), maker.Parameter("shift", {2})},
      "affine");
  maker.ProjectToLoss(y, "covector");
  CheckGradientGolden("channel_affine", maker);
}

TEST(GradientPrintTest, Pools) {
  GraphMaker maker;
  const NodeId x = maker.Trained("x", {1, 6, 6});
  const NodeId largest = maker.Add(
      std::make_shared<MaxPoolOp>(PoolGeometry{3, 1, 1}), {x}, "largest");
  maker.ProjectToLoss(
      maker.Add(std::make_shared<AvgPoolOp>(PoolGeometry{}), {largest}, "mean"),
      "y");
  CheckGradientGolden("pools", maker);
}

TEST(GradientPrintTest, PadAndCrop) {
  GraphMaker maker;
  const NodeId padded = maker.Add(std::make_shared<PadOp>(Size2(2, 1)),
                                  {maker.Trained("x", {1, 2, 3})}, "pad");
  maker.ProjectToLoss(
      maker.Add(std::make_shared<CropOp>(Size2(1, 0)), {padded}, "crop"), "y");
  CheckGradientGolden("pad", maker);
}

TEST(GradientPrintTest, Pointwise) {
  GraphMaker maker;
  const NodeId a = maker.Trained("a", {3}), b = maker.Trained("b", {3});
  const NodeId product =
      maker.Add(std::make_shared<PointwiseOp>("gate", Arg(0) * Sigmoid(Arg(1))),
                {a, b}, "gate");
  const NodeId square =
      maker.Add(std::make_shared<PointwiseOp>("mul", Arg(0) * Arg(1)),
                {product, product}, "square");
  maker.ProjectToLoss(square, "y");
  CheckGradientGolden("pointwise", maker);
}

TEST(GradientPrintTest, SoftmaxCrossEntropy) {
  GraphMaker maker;
  const NodeId logits = maker.Trained("logits", {4}),
               label = maker.Labels("label", 4);
  maker.Loss(maker.Add(std::make_shared<SoftmaxCrossEntropyOp>(),
                       {logits, label}, "loss"));
  CheckGradientGolden("softmax_cross_entropy", maker);
}

TEST(ToDotTest, QuotesLabels) {
  GraphMaker maker;
  maker.Input("x", {1});
  maker.Head("a \"quoted\" name", 0);
  EXPECT_NE(ToDot(maker.graph()).find("head a \\\"quoted\\\" name"),
            std::string::npos);
}

}  // namespace
}  // namespace kiln
