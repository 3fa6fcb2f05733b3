// Numbers that are not finite or out of range.
#include <string>
#include <vector>

#include "tests/dsl/model_mistakes.h"

namespace kiln {
namespace {

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
       {TrainingDefaults{.epochs = -1},
        TrainingDefaults{.steps = -2},
        TrainingDefaults{.learning_rate = kNan},
        TrainingDefaults{.learning_rate_schedule = "cosin"},
        TrainingDefaults{.momentum = 1},
        TrainingDefaults{.weight_decay = -1},
        TrainingDefaults{.optimizer = "adagrad"},
        TrainingDefaults{.beta1 = 1},
        TrainingDefaults{.beta2 = kNan},
        TrainingDefaults{.alpha = -0.5},
        TrainingDefaults{.epsilon = 0},
        TrainingDefaults{.learning_rate_schedule = "step"},
        TrainingDefaults{.lr_step_every = -1},
        TrainingDefaults{.lr_gamma = kInfinity},
        TrainingDefaults{.learning_rate_schedule = "cosine",
        .min_learning_rate = 1},
        TrainingDefaults{.min_learning_rate = kNan},
        TrainingDefaults{.warmup_steps = -1},
        TrainingDefaults{.clip_norm = -1},
        TrainingDefaults{.stop_at_accuracy = 1.5},
        TrainingDefaults{.stop_on = "validation"},
        TrainingDefaults{.patience = -1}}) {
    ModelBuilder m;
    m.Defaults(wrong);
    EXPECT_TRUE(absl::StrContains(Mistake(m), ": defaults: ")) << Mistake(m);
  }
}

// Metrics may be written after the defaults, so this shows in the whole, at the
// defaults' line.
TEST_F(ModelMistakesTest, StoppingByAMetricThatIsNotThere) {
  const int before = __LINE__;
  m_.Defaults({.stop_at_accuracy = 1, .stop_metric = "width"});
  EXPECT_TRUE(SaysOfTheWhole(
      before, __LINE__, "defaults: there is no metric \"width\" to stop by"));
}

TEST_F(ModelMistakesTest, PatienceOfAMetricThatIsNotThere) {
  const int before = __LINE__;
  m_.Defaults({.patience = 3, .patience_metric = "width"});
  EXPECT_TRUE(SaysOfTheWhole(
      before, __LINE__, "defaults: there is no metric \"width\" to stop by"));
}

TEST(ModelDefaultsTest, EveryOptimizerAndScheduleIsAccepted) {
  for (const char* optimizer :
       {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"}) {
    for (const char* schedule : {"constant", "step", "cosine"}) {
      ModelBuilder m;
      m.Defaults({.optimizer = optimizer,
                  .learning_rate_schedule = schedule,
                  .lr_step_every = 5,
                  .stop_at_accuracy = 1,
                  .stop_metric = "right"});
      const Value x = m.Input("x", {3}), label = m.Labels("label", 2);
      const Value y = m.Dense("fc", x, {.out = 2});
      m.Loss(m.SoftmaxCrossEntropy(y, label));
      m.Metric("right", m.Accuracy(y, label));
      EXPECT_EQ(Mistake(m), "");
    }
  }
}

}  // namespace
}  // namespace kiln
