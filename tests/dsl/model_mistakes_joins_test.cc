// Wrong joins, activations, initialisers and losses of several kinds.
#include "dsl/ops/expand.h"
#include "tests/dsl/model_mistakes.h"

namespace kiln {
namespace {

TEST_F(ModelMistakesTest, ConcatOfOtherPictures) {
  const Value small = m_.MaxPool(image_);
  const int before = __LINE__;
  m_.Concat({image_, small});
  EXPECT_TRUE(Says(before, __LINE__,
                   "concat1: cannot concatenate 1x8x8 and 1x4x4: they may "
                   "differ in the first axis only"));
}

TEST_F(ModelMistakesTest, ConcatOfAnImageAndAVector) {
  const int before = __LINE__;
  m_.Concat({features_, image_});
  EXPECT_TRUE(Says(before, __LINE__,
                   "concat1: cannot concatenate 64 and 1x8x8: they may differ "
                   "in the first axis only"));
}

TEST_F(ModelMistakesTest, ConcatOfNothing) {
  const int before = __LINE__;
  m_.Concat({});
  EXPECT_TRUE(Says(before, __LINE__, "concat1: concat does not take 0 inputs"));
}

TEST_F(ModelMistakesTest, ConcatOfALabel) {
  const int before = __LINE__;
  m_.Concat({features_, label_});
  EXPECT_TRUE(Says(before, __LINE__,
                   "concat1: cannot concatenate int32 scalar per sample; "
                   "vectors and images have a first axis"));
}

TEST_F(ModelMistakesTest, AddOfTwoShapes) {
  const int before = __LINE__;
  m_.Add({image_, m_.Pad(image_, 1)});
  EXPECT_TRUE(Says(before, __LINE__,
                   "add1: pointwise inputs must agree: 1x8x8 per sample and "
                   "1x10x10 per sample"));
}

TEST_F(ModelMistakesTest, MultiplyOfNothing) {
  const int before = __LINE__;
  m_.Multiply({});
  EXPECT_TRUE(
      Says(before, __LINE__, "multiply1: a pointwise op needs an input"));
}

TEST_F(ModelMistakesTest, ActivationOfTwoValues) {
  const int before = __LINE__;
  m_.Activate("gate", Arg(0) * Arg(1), features_);
  EXPECT_TRUE(Says(before, __LINE__,
                   "gate1: the expression a0 * a1 reads a1 of 1 inputs"));
}

TEST_F(ModelMistakesTest, SlopeOfALeakyRelu) {
  const int before = __LINE__;
  m_.LeakyRelu(features_, kNan);
  EXPECT_TRUE(Says(before, __LINE__, "leaky_relu1: the slope is not finite"));
}

TEST_F(ModelMistakesTest, PreluOfALabel) {
  const int before = __LINE__;
  m_.Prelu(label_);
  EXPECT_TRUE(Says(before, __LINE__,
                   "prelu1: pointwise inputs must agree: int32 scalar per "
                   "sample and int32 scalar per sample"));
}

TEST_F(ModelMistakesTest, ExpandedWeight) {
  const Value w = m_.Parameter("w", {{2}, Initializer::Constant(1)});
  const int before = __LINE__;
  m_.Apply("wide", std::make_shared<ExpandOp>(Shape{3}), {w});
  EXPECT_TRUE(Says(before, __LINE__,
                   "wide1: only a parameter of shape 1 is expanded, not 2"));
}

TEST_F(ModelMistakesTest, RuleForAVector) {
  const int before = __LINE__;
  m_.Parameter("gain", {{4}, Initializer::KaimingUniform()});
  EXPECT_TRUE(Says(before, __LINE__,
                   "gain: its initialiser needs a fan-in and a fan-out, which "
                   "the shape 4 does not have"));
}

TEST_F(ModelMistakesTest, GainOfARule) {
  const int before = __LINE__;
  m_.Dense("fc1", features_,
           {.out = 2, .weight_init = Initializer::XavierUniform(kInfinity)});
  EXPECT_TRUE(Says(before, __LINE__,
                   "fc1.weight: the initial distribution is not finite"));
}

TEST_F(ModelMistakesTest, NegativeWeightDecay) {
  const int before = __LINE__;
  m_.Dense("fc1", features_, {.out = 2, .weight_decay_multiplier = -1});
  EXPECT_TRUE(
      Says(before, __LINE__,
           "fc1.weight: the weight-decay multiplier must be 0 or more"));
}

TEST_F(ModelMistakesTest, HuberWithoutADelta) {
  const Value y = m_.Target("y", {64});
  const int before = __LINE__;
  m_.Huber(features_, y, 0);
  EXPECT_TRUE(Says(before, __LINE__, "huber_loss1: delta must be above 0"));
}

TEST_F(ModelMistakesTest, NegativeTolerance) {
  const Value y = m_.Target("y", {64});
  const int before = __LINE__;
  m_.WithinTolerance(features_, y, -0.5);
  EXPECT_TRUE(Says(before, __LINE__,
                   "within_tolerance1: the tolerance must be 0 or more"));
}

TEST_F(ModelMistakesTest, HingeShapes) {
  const Value y = m_.Target("y", {2});
  const int before = __LINE__;
  m_.Hinge(features_, y);
  EXPECT_TRUE(Says(before, __LINE__,
                   "hinge_terms1: pointwise inputs must agree: 64 per sample "
                   "and 2 per sample"));
}

// Two losses that are to be reported under one name.
TEST_F(ModelMistakesTest, TwoLossesOfOneName) {
  const Value y = m_.Target("y", {64});
  m_.Loss("error", m_.L1(features_, y));
  const int before = __LINE__;
  m_.Loss("error", m_.L2(features_, y));
  EXPECT_TRUE(
      SaysOfTheWhole(before, __LINE__, "error: this name is used twice"));
}

}  // namespace
}  // namespace kiln
