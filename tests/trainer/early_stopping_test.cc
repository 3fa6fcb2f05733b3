#include "runtime/early_stopping.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "runtime/trainer.h"
#include "tests/support/status_matchers.h"
#include "tests/trainer/trainer_testing.h"

namespace kiln {
namespace {

class EarlyStoppingTest : public FakeModelTest {
 protected:
  EarlyStopping Make(const TrainingOptions& options) {
    return *EarlyStopping::Create(*model_, options);
  }

  // An epoch's end with these means.
  static Totals Means(double loss, double accuracy) {
    return {.samples = 50, .loss = 50 * loss, .metrics = {50 * accuracy}};
  }

  // Class = position of the largest of the first three inputs.
  void MakeLearnable() {
    for (int row = 0; row < kSamples; ++row) {
      data_.targets[0].mutable_labels()[row] =
          std::max_element(x(row), x(row) + 3) - x(row);
    }
  }

  TrainingResult Train(const TrainingOptions& options,
                       const DataBinding* test) {
    Trainer trainer = *Trainer::Create(*model_, *binding_, test, options);
    return *trainer.Run();
  }

  double Accuracy() {
    Totals totals;
    EXPECT_TRUE(model_->Evaluate(*binding_, totals).ok());
    return totals.MeanMetric(0);
  }
};

TEST_F(EarlyStoppingTest, StopsWhenTheAccuracyIsReached) {
  EarlyStopping stopping = Make({.stop_at_accuracy = 0.9});
  EXPECT_TRUE(stopping.active());
  EXPECT_EQ(stopping.EndOfEpoch(1, 10, Means(1, 0.5)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(2, 20, Means(1, 0.88)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(3, 30, Means(1, 0.7)), StopReason::kLength);
  EXPECT_EQ(stopping.best_accuracy().step, 20);
  EXPECT_EQ(stopping.EndOfEpoch(4, 40, Means(1, 0.9)), StopReason::kAccuracy);
  EXPECT_EQ(stopping.best_accuracy().epoch, 4);
  EXPECT_FALSE(stopping.RestoreBest()) << "no patience, nothing kept";
}

// Three thirds of a sample, in float32, fall short of 1 by a rounding error; a
// wrong sample of a hundred thousand by more.
TEST_F(EarlyStoppingTest, ARoundedHundredPerCentIsOne) {
  EarlyStopping stopping = Make({.stop_at_accuracy = 1});
  EXPECT_EQ(stopping.EndOfEpoch(1, 1, Means(1, 1 - 1e-5)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(2, 2, Means(1, 1 - 1e-7)),
            StopReason::kAccuracy);
}

TEST_F(EarlyStoppingTest, PatienceCountsEpochsSinceTheBestLoss) {
  EarlyStopping stopping = Make({.patience = 2});
  std::vector<float> best;
  const double losses[] = {0.5, 0.6, 0.4, 0.4, 0.45};
  for (int epoch = 1; epoch <= 5; ++epoch) {
    model_->SetParameter(1, std::vector<float>(3, epoch));
    EXPECT_EQ(
        stopping.EndOfEpoch(epoch, 7 * epoch, Means(losses[epoch - 1], 0)),
        epoch == 5 ? StopReason::kPatience : StopReason::kLength)
        << epoch;
  }
  EXPECT_EQ(stopping.best_watched().epoch, 3);
  EXPECT_EQ(stopping.best_watched().step, 21);
  EXPECT_EQ(stopping.best_watched().value, 0.4);
  EXPECT_TRUE(stopping.RestoreBest());
  EXPECT_EQ(model_->parameter(1)[2], 3) << "the third epoch's";
  EXPECT_EQ(model_->parameter(2)[0], 1.5f) << "frozen";
}

TEST_F(EarlyStoppingTest, OfAMetricMoreIsBetter) {
  EarlyStopping stopping = Make({.patience = 1, .patience_metric = "accuracy"});
  EXPECT_EQ(stopping.EndOfEpoch(1, 1, Means(1, 0.5)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(2, 2, Means(2, 0.6)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(3, 3, Means(1, 0.6)), StopReason::kPatience);
  EXPECT_EQ(stopping.best_watched().epoch, 2);
}

TEST_F(EarlyStoppingTest, NanIsNeverTheBest) {
  EarlyStopping stopping = Make({.patience = 2});
  EXPECT_EQ(stopping.EndOfEpoch(1, 1, Means(NAN, 0)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(2, 2, Means(5, 0)), StopReason::kLength);
  EXPECT_EQ(stopping.best_watched().epoch, 2);
  EXPECT_EQ(stopping.EndOfEpoch(3, 3, Means(NAN, 0)), StopReason::kLength);
  EXPECT_EQ(stopping.EndOfEpoch(4, 4, Means(NAN, 0)), StopReason::kPatience);
}

TEST_F(EarlyStoppingTest, AMetricThatTheModelHasNotIsRefused) {
  EXPECT_TRUE(IsOneLineError(
      EarlyStopping::Create(*model_,
                            {.stop_at_accuracy = 1, .stop_metric = "width"}),
      {"a metric called width", "has accuracy"}));
  EXPECT_TRUE(
      IsOneLineError(EarlyStopping::Create(
                         *model_, {.patience = 1, .patience_metric = "width"}),
                     {"patience", "width"}));
  EXPECT_FALSE(Trainer::Create(*model_, *binding_, nullptr,
                               {.stop_at_accuracy = 1, .stop_metric = "width"})
                   .ok());
  EXPECT_TRUE(EarlyStopping::Create(*model_, {.stop_metric = "width"}).ok())
      << "not asked for";
}

TEST_F(EarlyStoppingTest, TrainingStopsAtAnAccuracyOfTheTestPart) {
  MakeLearnable();
  const TrainingResult result = Train({.epochs = 1000,
                                       .batch = 8,
                                       .learning_rate = 0.5,
                                       .stop_at_accuracy = 0.9},
                                      binding_.get());
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.reason, StopReason::kAccuracy);
  EXPECT_LT(result.epochs, 100);
  EXPECT_EQ(result.steps, result.epochs * 13);
  EXPECT_EQ(result.best_accuracy.step, result.steps);
  EXPECT_GE(Accuracy(), 0.9);
}

// Plain gradient descent on a set that is training and test in one: an epoch is
// an iteration, and the weights are those that have the accuracy.
TEST_F(EarlyStoppingTest, WithoutATestPartTheTrainingPartDecides) {
  MakeLearnable();
  const TrainingOptions options = {.epochs = 10000,
                                   .batch = kWholeSet,
                                   .learning_rate = 0.5,
                                   .stop_at_accuracy = 0.95};
  const TrainingResult result = Train(options, nullptr);
  EXPECT_EQ(result.reason, StopReason::kAccuracy);
  EXPECT_EQ(result.steps, result.epochs);
  EXPECT_GE(Accuracy(), 0.95);
  // One iteration fewer does not have it.
  model_ = MakeModel();
  TrainingOptions shorter = options;
  shorter.steps = result.steps - 1;
  EXPECT_EQ(Train(shorter, nullptr).reason, StopReason::kLength);
  EXPECT_LT(Accuracy(), 0.95);
}

TEST_F(EarlyStoppingTest, TheTrainingPartDecidesWhereAskedTo) {
  MakeLearnable();
  Dataset wrong = data_;  // a test part on which nothing is ever right
  for (int32_t& label : wrong.targets[0].mutable_labels()) {
    label = (label + 1) % kFakeClasses;
  }
  const DataBinding test = *DataBinding::Create(model_->manifest(), wrong);
  TrainingOptions options = {
      .epochs = 200, .batch = 8, .learning_rate = 0.5, .stop_at_accuracy = 0.9};
  EXPECT_EQ(Train(options, &test).reason, StopReason::kLength);
  options.stop_on_training_part = true;
  model_ = MakeModel();
  EXPECT_EQ(Train(options, &test).reason, StopReason::kAccuracy);
  EXPECT_GE(Accuracy(), 0.9);
}

// Learning the wrong labels makes the test loss worse from some epoch on.
TEST_F(EarlyStoppingTest, PatienceRestoresTheBestEpochsWeights) {
  MakeLearnable();
  Dataset wrong = data_;
  for (int32_t& label : wrong.targets[0].mutable_labels()) {
    label = (label + 1) % kFakeClasses;
  }
  const DataBinding test = *DataBinding::Create(model_->manifest(), wrong);
  std::vector<std::vector<float>> after;
  std::vector<double> losses;
  Trainer trainer = *Trainer::Create(
      *model_, *binding_, &test,
      {.epochs = 100, .batch = 8, .learning_rate = 0.05, .patience = 3});
  const TrainingResult result = *trainer.Run(
      {.on_step = nullptr, .on_epoch = [&](const TrainingEpoch& e) {
         after.emplace_back(model_->parameters().begin(),
                            model_->parameters().end());
         losses.push_back(e.test->MeanLoss());
       }});
  EXPECT_EQ(result.reason, StopReason::kPatience);
  EXPECT_TRUE(result.restored);
  const auto best = std::min_element(losses.begin(), losses.end());
  const int64_t best_epoch = best - losses.begin() + 1;
  EXPECT_EQ(result.best_watched.epoch, best_epoch);
  EXPECT_EQ(result.best_watched.value, *best);
  EXPECT_EQ(result.epochs, best_epoch + 3);
  EXPECT_EQ(model_->parameters(), absl::MakeConstSpan(after[best_epoch - 1]));
  EXPECT_NE(model_->parameters(), absl::MakeConstSpan(after.back()));
}

}  // namespace
}  // namespace kiln
