// Wrong layers: sizes, shapes, types and formulas.
#include <string>
#include <vector>

#include "tests/dsl/model_mistakes.h"

namespace kiln {
namespace {

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
