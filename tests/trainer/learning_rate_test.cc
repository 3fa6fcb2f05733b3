#include "runtime/learning_rate.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

constexpr auto kStep = LearningRateSchedule::kStep;
constexpr auto kCosine = LearningRateSchedule::kCosine;

// With one step an epoch.
double Rate(const TrainingOptions& options, int64_t step,
            int64_t total_steps = 10) {
  return ScheduledLearningRate(options, step, total_steps, 1);
}

TEST(LearningRateTest, ConstantAndCosine) {
  EXPECT_EQ(Rate({.learning_rate = 0.1}, 7), 0.1);
  const TrainingOptions cosine = {.learning_rate = 0.1, .schedule = kCosine};
  EXPECT_EQ(Rate(cosine, 0), 0.1);
  EXPECT_NEAR(Rate(cosine, 5), 0.05, 1e-15);
  // PyTorch's CosineAnnealingLR(T_max=10) after 3 steps from 0.1.
  EXPECT_NEAR(Rate(cosine, 3), 0.0793892626, 1e-9);
  EXPECT_NEAR(Rate(cosine, 10), 0, 1e-15);
}

TEST(LearningRateTest, CosineEndsAtTheLowest) {
  const TrainingOptions options = {
      .learning_rate = 0.1, .schedule = kCosine, .min_learning_rate = 0.02};
  for (int step = 0; step <= 10; ++step) {
    const double share = (1 + std::cos(std::numbers::pi * step / 10)) / 2;
    EXPECT_NEAR(Rate(options, step), 0.02 + 0.08 * share, 1e-16) << step;
  }
}

// The library's cosine is the reference to an ulp of 1; Kiln's own is the same
// bits with every library.
TEST(LearningRateTest, TheCosineIsAccurateAndItsBitsAreFixed) {
  const TrainingOptions options = {.learning_rate = 1, .schedule = kCosine};
  for (int64_t step = 0; step <= 1000; ++step) {
    const double share =
        (1 + std::cos(std::numbers::pi * static_cast<double>(step) / 1000)) / 2;
    EXPECT_NEAR(Rate(options, step, 1000), share, 3e-16) << step;
  }
  // Python's float, with the same operations, gives these.
  EXPECT_EQ(std::bit_cast<uint64_t>(Rate(options, 333, 1000)),
            0x3fe803b6aa646232u);
  EXPECT_EQ(std::bit_cast<uint64_t>(Rate(options, 777, 1000)),
            0x3fbe25cbfee84ae1u);
}

// PyTorch's StepLR(step_size=3, gamma=0.5), with 4 steps an epoch.
TEST(LearningRateTest, StepMultipliesEverySoManyEpochs) {
  const TrainingOptions options = {.learning_rate = 0.8,
                                   .schedule = kStep,
                                   .lr_step_every = 3,
                                   .lr_gamma = 0.5};
  const auto rate = [&](int64_t step) {
    return ScheduledLearningRate(options, step, 100, 4);
  };
  EXPECT_EQ(rate(0), 0.8);
  EXPECT_EQ(rate(11), 0.8);
  EXPECT_EQ(rate(12), 0.4);
  EXPECT_EQ(rate(23), 0.4);
  EXPECT_EQ(rate(24), 0.2);
  EXPECT_EQ(rate(99), 0.8 / 256);
}

// LinearLR from 1/4 of the rate to all of it, then the schedule from its start.
TEST(LearningRateTest, WarmUpComesBeforeAnySchedule) {
  TrainingOptions options = {.learning_rate = 0.4, .warmup_steps = 4};
  for (const auto schedule :
       {LearningRateSchedule::kConstant, kStep, kCosine}) {
    options.schedule = schedule;
    options.lr_step_every = 2;
    EXPECT_EQ(Rate(options, 0, 14), 0.1);
    EXPECT_EQ(Rate(options, 1, 14), 0.2);
    EXPECT_NEAR(Rate(options, 2, 14), 0.3, 1e-16);
    EXPECT_EQ(Rate(options, 3, 14), 0.4);
    TrainingOptions cold = options;
    cold.warmup_steps = 0;
    for (int step = 0; step < 10; ++step) {
      EXPECT_EQ(Rate(options, 4 + step, 14), Rate(cold, step, 10));
    }
  }
  EXPECT_EQ(Rate({.learning_rate = 1, .warmup_steps = 1000}, 9), 0.01)
      << "longer than the run";
}

TEST(LearningRateTest, NamesAreParsed) {
  EXPECT_EQ(*ParseSchedule("constant"), LearningRateSchedule::kConstant);
  EXPECT_EQ(*ParseSchedule("step"), kStep);
  EXPECT_EQ(*ParseSchedule("cosine"), kCosine);
  EXPECT_TRUE(
      IsOneLineError(ParseSchedule("linear"), {"\"linear\"", "cosine"}));
}

}  // namespace
}  // namespace kiln
