// Wrong names, and values of other models.
#include <string>
#include <vector>

#include "tests/dsl/model_mistakes.h"

namespace kiln {
namespace {

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

}  // namespace
}  // namespace kiln
