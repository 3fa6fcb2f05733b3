// A wrong model gives exactly one message, "file:line: layer: what is wrong",
// with the line of the faulty call.
#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The first mistake of the model, compiled as a generator does; "" when there
// is none.
std::string Mistake(ModelBuilder& m) {
  const absl::StatusOr<Model> model = m.Build();
  if (!model.ok()) return std::string(model.status().message());
  return std::string(BuildTrainingGraph(model->graph).status().message());
}

// Whether the model's one message is "<this file>:<line>: `what`", with a line
// between the two.
::testing::AssertionResult Says(const std::string& message, int before,
                                int after, const std::string& what) {
  const std::vector<std::string> parts =
      absl::StrSplit(message, absl::MaxSplits(':', 2));
  if (parts.size() == 3 &&
      absl::EndsWith(parts[0], "tests/dsl/model_mistakes_test.cc") &&
      std::stoi(parts[1]) > before && std::stoi(parts[1]) < after &&
      parts[2] == absl::StrCat(" ", what)) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "\"" << message << "\" is not a line between " << before << " and "
         << after << ": " << what;
}

class ModelMistakesTest : public ::testing::Test {
 protected:
  ModelMistakesTest() {
    image_ = m_.Input("image", {1, 8, 8});
    label_ = m_.Labels("label", 3);
    features_ = m_.Flatten(image_);
  }

  // Finishes the model as it should be: for mistakes that only show in the
  // whole.
  ::testing::AssertionResult SaysOfTheWhole(int before, int after,
                                            const std::string& what) {
    const Value logits = m_.Dense("last", features_, {.out = 3});
    m_.Loss(m_.SoftmaxCrossEntropy(logits, label_));
    return kiln::Says(Mistake(m_), before, after, what);
  }

  // Finishes the model with right and wrong calls, which must not add to the
  // one message.
  ::testing::AssertionResult Says(int before, int after,
                                  const std::string& what) {
    const Value logits = m_.Dense("last", features_, {.out = 3});
    m_.Loss(m_.SoftmaxCrossEntropy(logits, label_));
    m_.Dense("last", logits, {.out = -1});
    m_.Output("a name", Value{});
    return kiln::Says(Mistake(m_), before, after, what);
  }

  ModelBuilder m_;
  Value image_, label_, features_;
};

TEST_F(ModelMistakesTest, ARightModelHasNone) {
  const Value logits = m_.Dense("fc1", features_, {.out = 3});
  m_.Output("logits", logits);
  m_.Loss(m_.SoftmaxCrossEntropy(logits, label_));
  m_.Metric("accuracy", m_.Accuracy(logits, label_));
  EXPECT_EQ(Mistake(m_), "");
}

TEST_F(ModelMistakesTest, KernelTooLarge) {
  const int before = __LINE__;
  m_.Conv2d("conv1", image_, {.out_channels = 2, .kernel = 9});
  EXPECT_TRUE(
      Says(before, __LINE__, "conv1: kernel 9x9 does not fit input 1x8x8"));
}

TEST_F(ModelMistakesTest, PoolTooLarge) {
  const int before = __LINE__;
  m_.MaxPool(image_, {.kernel = {9, 2}, .stride = 1});
  EXPECT_TRUE(
      Says(before, __LINE__, "pool1: kernel 9x2 does not fit input 1x8x8"));
}

TEST_F(ModelMistakesTest, ZeroStride) {
  const int before = __LINE__;
  m_.Conv2d("conv1", image_, {.out_channels = 2, .kernel = 3, .stride = 0});
  EXPECT_TRUE(Says(before, __LINE__,
                   "conv1: kernel 3x3 and stride 0x0 must be 1 or more"));
}

TEST_F(ModelMistakesTest, ZeroKernel) {
  const int before = __LINE__;
  m_.Conv2d("conv1", image_, {.out_channels = 2, .kernel = 0});
  EXPECT_TRUE(Says(before, __LINE__,
                   "conv1: the weight's shape 2x1x0x0 has an extent below 1"));
}

TEST_F(ModelMistakesTest, NegativePadding) {
  const int before = __LINE__;
  m_.Pad(image_, -2);
  EXPECT_TRUE(Says(before, __LINE__, "pad1: padding -2x-2 must be 0 or more"));
}

TEST_F(ModelMistakesTest, TooMuchPoolPadding) {
  const int before = __LINE__;
  m_.AvgPool(image_, {.kernel = 2, .padding = 2});
  EXPECT_TRUE(Says(before, __LINE__,
                   "pool1: padding 2x2 is more than half the kernel 2x2"));
}

TEST_F(ModelMistakesTest, NoChannels) {
  const int before = __LINE__;
  m_.Conv2d("conv1", image_, {.kernel = 3});
  EXPECT_TRUE(
      Says(before, __LINE__, "conv1: out_channels is 0, must be 1 or more"));
}

TEST_F(ModelMistakesTest, NegativeFeatures) {
  const int before = __LINE__;
  m_.Dense("fc1", features_, {.out = -3});
  EXPECT_TRUE(Says(before, __LINE__, "fc1: out is -3, must be 1 or more"));
}

TEST_F(ModelMistakesTest, DenseOnAnImage) {
  const int before = __LINE__;
  m_.Dense("fc1", image_, {.out = 3});
  EXPECT_TRUE(Says(before, __LINE__,
                   "fc1: a dense layer needs a vector of features, not 1x8x8 "
                   "per sample; flatten it first"));
}

TEST_F(ModelMistakesTest, ConvolutionOfAVector) {
  const int before = __LINE__;
  m_.Conv2d("conv1", features_, {.out_channels = 2, .kernel = 3});
  EXPECT_TRUE(Says(before, __LINE__,
                   "conv1: a convolution needs an image {channels, height, "
                   "width}, not 64 per sample"));
}

TEST_F(ModelMistakesTest, ALayerOnLabels) {
  const int before = __LINE__;
  m_.Relu(label_);
  EXPECT_TRUE(Says(before, __LINE__,
                   "relu1: pointwise inputs must agree: int32 scalar per "
                   "sample and int32 scalar per sample"));
}

TEST_F(ModelMistakesTest, DuplicateName) {
  m_.Dense("fc1", features_, {.out = 3});
  const int before = __LINE__;
  m_.Dense("fc1", features_, {.out = 3});
  EXPECT_TRUE(Says(before, __LINE__, "fc1.weight: this name is used twice"));
}

TEST_F(ModelMistakesTest, NameOfAnInputTakenByALayer) {
  const int before = __LINE__;
  m_.Dense("image", features_, {.out = 3});
  EXPECT_TRUE(Says(before, __LINE__, "image: this name is used twice"));
}

TEST_F(ModelMistakesTest, NamesThatCollideInC) {
  m_.Parameter("fc1_weight", {{3}, Initializer::Constant(0), /*frozen=*/true});
  const int before = __LINE__;
  features_ = m_.Dense("fc1", features_, {.out = 3});
  EXPECT_TRUE(SaysOfTheWhole(
      before, __LINE__,
      "fc1.weight: this name and fc1_weight are both fc1_weight in C"));
}

TEST_F(ModelMistakesTest, BadNames) {
  const std::string rule =
      ": a name starts with a letter and has letters, digits, '_' and '.' only";
  for (const std::string name :
       {"", "1st", "my layer", "fc-1", "naïve", "a\nb", "x;y", "\"x\""}) {
    ModelBuilder m;
    const int before = __LINE__;
    m.Input(name, {4});
    EXPECT_TRUE(kiln::Says(Mistake(m), before, __LINE__,
                           absl::StrCat("\"", name, "\"", rule)))
        << name;
  }
}

TEST_F(ModelMistakesTest, BadOutputName) {
  const int before = __LINE__;
  m_.Output("the logits", features_);
  EXPECT_TRUE(Says(before, __LINE__,
                   "\"the logits\": a name starts with a letter and has "
                   "letters, digits, '_' and '.' only"));
}

TEST_F(ModelMistakesTest, DuplicateOutput) {
  m_.Output("logits", features_);
  const int before = __LINE__;
  m_.Output("logits", features_);
  EXPECT_TRUE(Says(before, __LINE__, "logits: this name is used twice"));
}

TEST_F(ModelMistakesTest, MetricNamedAsTheLoss) {
  const int before = __LINE__;
  m_.Metric("loss", features_);
  EXPECT_TRUE(Says(before, __LINE__, "loss: this name is the loss's own"));
}

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

TEST_F(ModelMistakesTest, PointwiseArgumentOutOfRange) {
  const int before = __LINE__;
  m_.Pointwise("gate", {features_, features_}, Arg(0) * Sigmoid(Arg(2)));
  EXPECT_TRUE(
      Says(before, __LINE__,
           "gate1: the expression a0 * sigmoid(a2) reads a2 of 2 inputs"));
}

TEST_F(ModelMistakesTest, WrongNumberOfPartials) {
  const int before = __LINE__;
  m_.Pointwise("gate", {features_, features_}, Arg(0) * Arg(1), {Arg(1)});
  EXPECT_TRUE(
      Says(before, __LINE__, "gate1: 1 derivatives are declared for 2 inputs"));
}

TEST_F(ModelMistakesTest, PointwiseOfNothing) {
  const int before = __LINE__;
  m_.Pointwise("one", {}, 1);
  EXPECT_TRUE(Says(before, __LINE__, "one1: a pointwise op needs an input"));
}

TEST_F(ModelMistakesTest, UnknownActivation) {
  const int before = __LINE__;
  m_.Activate("rellu", features_);
  EXPECT_TRUE(
      Says(before, __LINE__, "rellu: there is no activation of this name"));
}

TEST_F(ModelMistakesTest, DefaultValue) {
  const int before = __LINE__;
  m_.Dense("fc1", Value{}, {.out = 3});
  EXPECT_TRUE(Says(before, __LINE__,
                   "fc1: reads a value that no layer of this model made"));
}

TEST_F(ModelMistakesTest, ValueOfAnotherModel) {
  ModelBuilder other;
  const Value foreign =
      other.Input("x", {64});  // its id is one that this model has too
  const int before = __LINE__;
  m_.Relu(foreign);
  EXPECT_TRUE(Says(before, __LINE__,
                   "relu1: reads a value that no layer of this model made"));
}

TEST_F(ModelMistakesTest, LabelsOfAnotherModel) {
  ModelBuilder other;
  for (int i = 0; i < 50; ++i) other.Input(absl::StrCat("x", i), {1});
  const Value foreign =
      other.Labels("label", 64);  // its id is one that this model does not have
  const int before = __LINE__;
  m_.SoftmaxCrossEntropy(features_, foreign);
  EXPECT_TRUE(Says(before, __LINE__,
                   "softmax_cross_entropy1: reads a value that no layer of "
                   "this model made"));
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

TEST_F(ModelMistakesTest, NonFiniteLossWeight) {
  const Value loss = m_.L2(features_, features_);
  for (double weight : {kNan, kInfinity, -kInfinity}) {
    ModelBuilder m;
    const Value x = m.Input("x", {2});
    const int before = __LINE__;
    m.Loss(m.L2(x, x), weight);
    EXPECT_TRUE(kiln::Says(Mistake(m), before, __LINE__,
                           "loss: the weight is not finite"));
  }
  const int before = __LINE__;
  m_.WeightedSum({{1, loss}, {kNan, loss}});
  EXPECT_TRUE(
      Says(before, __LINE__, "weighted_sum: a loss weight is not finite"));
}

TEST_F(ModelMistakesTest, NonFiniteInitializer) {
  const int before = __LINE__;
  m_.Dense("fc1", features_,
           {.out = 3, .weight_init = Initializer::Normal(0, kNan)});
  EXPECT_TRUE(Says(before, __LINE__,
                   "fc1.weight: the initial distribution is not finite"));
}

TEST_F(ModelMistakesTest, NegativeLearningRateMultiplier) {
  const int before = __LINE__;
  m_.Dense("fc1", features_, {.out = 3, .lr_multiplier = -1});
  EXPECT_TRUE(
      Says(before, __LINE__,
           "fc1.weight: the learning-rate multiplier must be 0 or more"));
}

TEST_F(ModelMistakesTest, NonFiniteInputScaleAndThreshold) {
  ModelBuilder m;
  int before = __LINE__;
  m.Input("x", {2}, {.scale = kInfinity});
  EXPECT_TRUE(
      kiln::Says(Mistake(m), before, __LINE__, "x: the scale is not finite"));
  before = __LINE__;
  m_.BinaryAccuracy(features_, features_, kNan);
  EXPECT_TRUE(Says(before, __LINE__, "accuracy: the threshold is not finite"));
}

TEST_F(ModelMistakesTest, Defaults) {
  const int before = __LINE__;
  m_.Defaults({.batch = 0});
  EXPECT_TRUE(Says(before, __LINE__, "defaults: batch must be 1 or more"));
  for (const TrainingDefaults& wrong :
       {TrainingDefaults{.epochs = -1}, TrainingDefaults{.steps = -2},
        TrainingDefaults{.learning_rate = kNan},
        TrainingDefaults{.learning_rate_schedule = "cosin"},
        TrainingDefaults{.momentum = 1},
        TrainingDefaults{.weight_decay = -1}}) {
    ModelBuilder m;
    m.Defaults(wrong);
    EXPECT_TRUE(absl::StrContains(Mistake(m), ": defaults: ")) << Mistake(m);
  }
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

TEST_F(ModelMistakesTest, HugeShapes) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  struct Case {
    std::string what;
    std::string expected;
    void (*build)(ModelBuilder& m, Value image, Value features);
  };
  const std::vector<Case> cases = {
      {"input",
       absl::StrCat("x: shape ", huge, "x", huge,
                    " has more than 2^40 elements"),
       [](ModelBuilder& m, Value, Value) {
         m.Input("x", {INT64_MAX, INT64_MAX});
       }},
      {"features",
       absl::StrCat("fc1.weight: shape ", huge,
                    "x64 has more than 2^40 elements"),
       [](ModelBuilder& m, Value, Value f) {
         m.Dense("fc1", f, {.out = INT64_MAX});
       }},
      {"kernel",
       absl::StrCat("conv1: the weight's shape 1x1x", huge, "x", huge,
                    " has more than 2^40 elements"),
       [](ModelBuilder& m, Value i, Value) {
         m.Conv2d("conv1", i, {.out_channels = 1, .kernel = INT64_MAX});
       }},
      {"padding",
       "pad1: shape 1x2000000008x2000000008 has more than 2^40 elements",
       [](ModelBuilder& m, Value i, Value) { m.Pad(i, 1000000000); }},
      {"largest padding",
       absl::StrCat("pad1: padding ", huge, "x", huge, " must be 0 or more"),
       [](ModelBuilder& m, Value i, Value) { m.Pad(i, INT64_MAX); }},
      {"work", "conv1: a sample needs more than 2^50 operations",
       [](ModelBuilder& m, Value, Value) {
         m.Conv2d("conv1", m.Input("x", {1, 1 << 20, 1 << 20}),
                  {.out_channels = 1, .kernel = 1 << 19});
       }},
      {"pool", "pool1: a sample needs more than 2^50 operations",
       [](ModelBuilder& m, Value, Value) {
         m.MaxPool(m.Input("x", {1, 1 << 20, 1 << 20}),
                   {.kernel = 1 << 19, .stride = 1});
       }},
  };
  for (const Case& c : cases) {
    ModelBuilder m;
    const Value image = m.Input("image", {1, 8, 8});
    c.build(m, image, m.Flatten(image));
    EXPECT_TRUE(absl::EndsWith(Mistake(m), ": " + c.expected))
        << c.what << ": " << Mistake(m);
  }
}

}  // namespace
}  // namespace kiln
