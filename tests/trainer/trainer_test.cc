#include "runtime/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/trainer/trainer_testing.h"

namespace kiln {
namespace {

class TrainerTest : public FakeModelTest {
 protected:
  // Trains a new model with the options; returns its parameters.
  std::vector<float> Train(const TrainingOptions& options,
                           const TrainingCallbacks& callbacks = {}) {
    model_ = MakeModel();
    Trainer trainer =
        *Trainer::Create(*model_, *binding_, binding_.get(), options);
    result_ = *trainer.Run(callbacks);
    return {model_->parameters().begin(), model_->parameters().end()};
  }
  TrainingResult result_;
};

TEST_F(TrainerTest, EveryEpochUsesEverySampleOnceInANewOrder) {
  Fake().record = true;
  Train({.epochs = 2, .batch = 8, .learning_rate = 0.01});
  const std::vector<int32_t>& rows = Fake().trained_rows;
  ASSERT_EQ(rows.size(), 2 * kSamples);
  const std::vector<int32_t> first(rows.begin(), rows.begin() + kSamples);
  const std::vector<int32_t> second(rows.begin() + kSamples, rows.end());
  EXPECT_EQ(std::set<int32_t>(first.begin(), first.end()).size(), kSamples);
  EXPECT_EQ(std::set<int32_t>(second.begin(), second.end()).size(), kSamples);
  EXPECT_NE(first, second);
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
}

TEST_F(TrainerTest, WithoutShufflingTheOrderIsTheDatas) {
  Fake().record = true;
  Train({.epochs = 1, .batch = 7, .learning_rate = 0.01, .shuffle = false});
  EXPECT_EQ(Fake().trained_rows, Rows(kSamples));
}

// Unlike the rest of the runtime, the trainer is compiled with exceptions.
TEST_F(TrainerTest, AnExceptionOfACallbackReachesWhoCalled) {
  struct Enough {
    int64_t step;
  };
  const auto model = MakeModel();
  Trainer trainer = *Trainer::Create(*model, *binding_, binding_.get(),
                                     {.epochs = 2, .batch = 8});
  TrainingCallbacks callbacks;
  callbacks.on_step = [](const TrainingStep& step) {
    if (step.step == 2) throw Enough{step.step};
  };
  int64_t reached = 0;
  try {
    (void)trainer.Run(callbacks);
  } catch (const Enough& enough) {
    reached = enough.step;
  }
  EXPECT_EQ(reached, 2);
  callbacks.on_step = nullptr;
  callbacks.on_epoch = [](const TrainingEpoch& epoch) {
    throw Enough{epoch.epoch};
  };
  EXPECT_THROW((void)trainer.Run(callbacks), Enough);
}

TEST_F(TrainerTest, TheSeedDecidesTheBits) {
  const TrainingOptions options = {.epochs = 3,
                                   .batch = 9,
                                   .optimizer = OptimizerKind::kMomentum,
                                   .learning_rate = 0.1,
                                   .momentum = 0.9,
                                   .seed = 5};
  TrainingOptions other = options;
  other.seed = 6;
  const std::vector<float> once = Train(options);
  EXPECT_EQ(once, Train(options));
  EXPECT_NE(once, Train(other));
}

TEST_F(TrainerTest, TheShortLastBatchCountsByItsSize) {
  std::vector<int64_t> sizes;
  Train({.epochs = 2, .batch = 48, .learning_rate = 0.01},
        {.on_step =
             [&](const TrainingStep& s) { sizes.push_back(s.batch->samples); },
         .on_epoch =
             [&](const TrainingEpoch& e) {
               EXPECT_EQ(e.train->samples, kSamples);
               EXPECT_EQ(e.test->samples, kSamples);
             }});
  EXPECT_EQ(sizes, std::vector<int64_t>({48, 48, 4, 48, 48, 4}));
}

// The whole set as one batch, by hand: p - lr * mean gradient.
TEST_F(TrainerTest, ABatchLargerThanTheDataIsTheWholeSet) {
  Totals totals;
  ASSERT_TRUE(model_->Gradient(*binding_, Rows(kSamples), totals).ok());
  std::vector<double> expected(model_->parameters().begin(),
                               model_->parameters().end());
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] -= 0.5 * (i >= 16 ? 2 : 1) * model_->gradient()[i];
  }
  const std::vector<float> trained =
      Train({.epochs = 1, .batch = 1000000, .learning_rate = 0.5});
  EXPECT_EQ(result_.steps, 1);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(trained[i], expected[i], 1e-6);
  }
}

TEST_F(TrainerTest, StepsOverrideEpochs) {
  Train({.epochs = 1, .steps = 30, .batch = 10, .learning_rate = 0.01});
  EXPECT_EQ(result_.steps, 30);
  EXPECT_EQ(result_.epochs, 3);
  Train({.epochs = 9, .steps = 4, .batch = 10, .learning_rate = 0.01});
  EXPECT_EQ(result_.steps, 4);
  const std::unique_ptr<Model> fresh = MakeModel();
  const std::vector<float> before(fresh->parameters().begin(),
                                  fresh->parameters().end());
  EXPECT_EQ(Train({.steps = 0, .learning_rate = 0.01}), before);
  EXPECT_EQ(result_.epochs, 0);
}

TEST_F(TrainerTest, CosineRunsOverAllSteps) {
  std::vector<double> rates;
  Train({.epochs = 2,
         .batch = 50,
         .learning_rate = 1,
         .schedule = LearningRateSchedule::kCosine},
        {.on_step =
             [&](const TrainingStep& s) { rates.push_back(s.learning_rate); },
         .on_epoch = nullptr});
  ASSERT_EQ(rates.size(), 4);
  EXPECT_EQ(rates[0], 1);
  EXPECT_NEAR(rates[2], 0.5, 1e-12);
  EXPECT_NEAR(rates[3], (1 - std::sqrt(0.5)) / 2, 1e-12);
}

TEST_F(TrainerTest, LearnsWhatIsThereToLearn) {
  // Class = position of the largest of the first three inputs.
  Column& labels = data_.targets[0];
  for (int row = 0; row < kSamples; ++row) {
    labels.mutable_labels()[row] =
        std::max_element(x(row), x(row) + 3) - x(row);
  }
  double accuracy = 0;
  Train({.epochs = 40, .batch = 8, .learning_rate = 0.5},
        {.on_step = nullptr, .on_epoch = [&](const TrainingEpoch& e) {
           accuracy = e.test->MeanMetric(0);
         }});
  EXPECT_GE(accuracy, 0.95);
}

TEST_F(TrainerTest, SenselessOptionsAreRefused) {
  const double nan = std::nan("");
  const std::vector<std::pair<TrainingOptions, const char*>> cases = {
      {{.batch = 0}, "batch"},
      {{.epochs = -1}, "epochs"},
      {{.steps = -2}, "steps"},
      {{.learning_rate = -1}, "learning rate"},
      {{.learning_rate = nan}, "learning rate"},
      {{.momentum = INFINITY}, "momentum"},
      {{.weight_decay = -0.1}, "weight decay"},
      {{.stop_at_accuracy = 1.5}, "accuracy"},
      {{.stop_at_accuracy = nan}, "accuracy"},
      {{.steps = std::numeric_limits<int64_t>::max()}, "steps"},
      {{.beta1 = 1}, "beta1"},
      {{.beta2 = nan}, "beta2"},
      {{.alpha = -0.1}, "alpha"},
      {{.epsilon = 0}, "epsilon"},
      {{.epsilon = 1e-60}, "epsilon"},
      {{.lr_step_every = -1}, "epochs between"},
      {{.schedule = LearningRateSchedule::kStep}, "lr_step_every"},
      {{.lr_gamma = nan}, "factor"},
      {{.schedule = LearningRateSchedule::kCosine, .min_learning_rate = 1},
       "lowest learning rate"},
      {{.schedule = LearningRateSchedule::kCosine, .min_learning_rate = nan},
       "lowest learning rate"},
      {{.warmup_steps = -1}, "warm-up"},
      {{.clip_norm = -1}, "norm"},
      {{.clip_norm = INFINITY}, "norm"},
      {{.patience = -1}, "patience"}};
  for (const auto& [options, complaint] : cases) {
    EXPECT_TRUE(IsOneLineError(CheckTrainingOptions(options), {complaint}));
    EXPECT_FALSE(Trainer::Create(*model_, *binding_, nullptr, options).ok());
  }
}

TEST_F(TrainerTest, DivergenceIsAnErrorThatNamesTheStep) {
  Trainer trainer =
      *Trainer::Create(*model_, *binding_, nullptr,
                       {.epochs = 50, .batch = 8, .learning_rate = 1e38});
  EXPECT_TRUE(IsOneLineError(
      trainer.Run(), {"diverged", "the loss of step ", "lower learning rate"}));
}

// The loss before the update was still finite, and there is no next one.
TEST_F(TrainerTest, AWeightThatIsNotFiniteIsAnError) {
  Fake().nan_gradient = true;
  Trainer trainer = *Trainer::Create(*model_, *binding_, nullptr,
                                     {.epochs = 1, .batch = kWholeSet});
  EXPECT_TRUE(IsOneLineError(
      trainer.Run(), {"diverged: after step 1 a weight of fc.weight is nan"}));
}

TEST_F(TrainerTest, ClippingSaysAtWhichStepTheGradientIsNotFinite) {
  Fake().nan_gradient = true;
  Trainer trainer = *Trainer::Create(*model_, *binding_, nullptr,
                                     {.epochs = 1, .batch = 8, .clip_norm = 1});
  EXPECT_TRUE(
      IsOneLineError(trainer.Run(), {"step 1: the norm of the gradient"}));
}

// Batch gradient descent and stochastic gradient descent.
TEST_F(TrainerTest, TheBatchDecidesTheStepsOfAnEpoch) {
  Train({.epochs = 3, .batch = kWholeSet, .learning_rate = 0.01});
  EXPECT_EQ(result_.steps, 3);
  EXPECT_EQ(result_.epochs, 3);
  Train({.epochs = 3, .batch = 1, .learning_rate = 0.01});
  EXPECT_EQ(result_.steps, 3 * kSamples);
  EXPECT_EQ(result_.epochs, 3);
}

// Stochastic descent steps on each sample's own gradient, one after the other.
TEST_F(TrainerTest, BatchesOfOneFollowEachSample) {
  const std::unique_ptr<Model> other = MakeModel();
  Optimizer optimizer = *Optimizer::Create(*other, OptimizerKind::kSgd);
  Totals totals;
  for (int row = 0; row < kSamples; ++row) {
    ASSERT_TRUE(
        optimizer.Step(*binding_, Rows(1, row), {.learning_rate = 0.1}, totals)
            .ok());
  }
  const std::vector<float> trained =
      Train({.epochs = 1, .batch = 1, .learning_rate = 0.1, .shuffle = false});
  EXPECT_EQ(absl::MakeConstSpan(trained), other->parameters());
}

TEST_F(TrainerTest, AnyNumberOfEpochsGoesWithSteps) {
  for (const int64_t epochs : {int64_t{0}, int64_t{1000000000}}) {
    Train({.epochs = epochs, .steps = 7, .batch = 10, .learning_rate = 0.01});
    EXPECT_EQ(result_.steps, 7);
    EXPECT_EQ(result_.reason, StopReason::kLength);
  }
}

// Warm-up and schedule reach the steps: 2 epochs of 4 steps.
TEST_F(TrainerTest, EachStepHasItsOwnLearningRate) {
  std::vector<double> rates;
  Train({.epochs = 3,
         .batch = 25,
         .learning_rate = 1,
         .schedule = LearningRateSchedule::kStep,
         .lr_step_every = 1,
         .lr_gamma = 0.5,
         .warmup_steps = 2},
        {.on_step =
             [&](const TrainingStep& s) { rates.push_back(s.learning_rate); },
         .on_epoch = nullptr});
  EXPECT_EQ(rates, std::vector<double>(
                       {0.5, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25}));
}

}  // namespace
}  // namespace kiln
