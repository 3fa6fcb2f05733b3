// Wrong losses, metrics, outputs and labels; parameters that none of them
// reads.
#include <string>
#include <vector>

#include "tests/dsl/model_mistakes.h"

namespace kiln {
namespace {

TEST_F(ModelMistakesTest, ClassCount) {
  const Value logits = m_.Dense("fc1", features_, {.out = 4});
  const int before = __LINE__;
  m_.Loss(m_.SoftmaxCrossEntropy(logits, label_));
  EXPECT_TRUE(Says(before, __LINE__,
                   "softmax_cross_entropy1: there are 4 logits for 3 classes"));
}

TEST_F(ModelMistakesTest, ClassCountOfAccuracy) {
  const int before = __LINE__;
  m_.Metric("accuracy", m_.Accuracy(features_, label_));
  EXPECT_TRUE(
      Says(before, __LINE__, "accuracy1: there are 64 logits for 3 classes"));
}

TEST_F(ModelMistakesTest, NoClasses) {
  const int before = __LINE__;
  m_.Labels("empty", 0);
  EXPECT_TRUE(
      Says(before, __LINE__,
           "empty: labels need at least 1 class, a value target a shape"));
}

TEST_F(ModelMistakesTest, SoftmaxOfValues) {
  const Value target = m_.Target("y", {3});
  const int before = __LINE__;
  m_.SoftmaxCrossEntropy(features_, target);
  EXPECT_TRUE(Says(before, __LINE__,
                   "softmax_cross_entropy1: the label must be an int32 scalar, "
                   "not 3 per sample"));
}

TEST_F(ModelMistakesTest, L2Shapes) {
  const Value target = m_.Target("y", {3});
  const int before = __LINE__;
  m_.L2(features_, target);
  EXPECT_TRUE(Says(before, __LINE__,
                   "squared_error1: pointwise inputs must agree: 64 per sample "
                   "and 3 per sample"));
}

TEST_F(ModelMistakesTest, BinaryTargetShape) {
  const Value target = m_.Target("y", {3});
  const int before = __LINE__;
  m_.SigmoidCrossEntropy(features_, target);
  EXPECT_TRUE(Says(before, __LINE__,
                   "cross_entropy_terms1: pointwise inputs must agree: 64 per "
                   "sample and 3 per sample"));
}

TEST_F(ModelMistakesTest, LossOfAVector) {
  const int before = __LINE__;
  m_.Loss(features_);
  EXPECT_TRUE(Says(before, __LINE__,
                   "loss: a loss is a scalar per sample, not 64 per sample"));
}

TEST_F(ModelMistakesTest, MetricOfAVector) {
  const int before = __LINE__;
  m_.Metric("sum", features_);
  EXPECT_TRUE(Says(before, __LINE__,
                   "sum: a metric is a scalar per sample, not 64 per sample"));
}

TEST_F(ModelMistakesTest, OutputOfAParameterOrLabels) {
  const Value w =
      m_.Parameter("w", {{3}, Initializer::Constant(0), /*frozen=*/true});
  const int before = __LINE__;
  m_.Output("weights", w);
  EXPECT_TRUE(Says(before, __LINE__,
                   "weights: an output is float32 per sample, not 3"));
}

TEST_F(ModelMistakesTest, MissingLoss) {
  const int before = __LINE__;
  m_.Relu(features_);
  EXPECT_TRUE(kiln::Says(Mistake(m_), before, __LINE__,
                         "loss: the model has none; call Loss()"));
}

TEST(ModelMistakesEmptyTest, EmptyModel) {
  ModelBuilder m;
  EXPECT_EQ(Mistake(m), "the model has no layers");
}

TEST_F(ModelMistakesTest, UnusedTrainableLayer) {
  const int before = __LINE__;
  m_.Dense("spare", features_, {.out = 3});
  EXPECT_TRUE(SaysOfTheWhole(before, __LINE__,
                             "spare.weight: the loss does not depend on this "
                             "parameter; use it or freeze it"));
}

TEST_F(ModelMistakesTest, ALayerThatOnlyTheMetricReads) {
  const int before = __LINE__;
  const Value other = m_.Dense("other", features_, {.out = 3, .bias = false});
  const int after = __LINE__;
  m_.Metric("accuracy", m_.Accuracy(other, label_));
  EXPECT_TRUE(SaysOfTheWhole(before, after,
                             "other.weight: the loss does not depend on this "
                             "parameter; use it or freeze it"));
}

}  // namespace
}  // namespace kiln
