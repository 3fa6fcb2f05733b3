#include "runtime/progress.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

double g_now = 0;  // seconds
double Now() { return g_now; }

constexpr int kNoTerminal = 0;

// A run whose output is kept, at one second a step.
class ProgressTest : public testing::Test {
 protected:
  ~ProgressTest() override {
    std::fclose(out_);
    std::free(text_);
  }

  ProgressReporter Reporter(int columns) {
    return ProgressReporter(out_, columns, Now);
  }
  void Train(ProgressReporter& reporter, const RunLength& run,
             int64_t last_step, double seconds_per_step = 1) {
    for (int64_t step = run.first_step; step <= last_step; ++step) {
      g_now += seconds_per_step;
      reporter.Step({.epoch = (step - 1) / run.steps_per_epoch + 1,
                     .step = step,
                     .samples = 64,
                     .loss = 1.0 / static_cast<double>(step),
                     .accuracy = 0.5});
    }
  }
  std::string Text() {
    std::fflush(out_);
    return text_;
  }
  std::vector<std::string> Lines() {
    return absl::StrSplit(Text(), '\n', absl::SkipEmpty());
  }

  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* out_ = open_memstream(&text_, &size_);
};

TEST_F(ProgressTest, PlainLinesAreTenAnEpoch) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  const RunLength run = {.epochs = 2, .steps_per_epoch = 25, .total_steps = 50};
  reporter.Start(run);
  Train(reporter, run, 50);
  reporter.Finish();
  const std::vector<std::string> lines = Lines();
  EXPECT_THAT(lines, SizeIs(20));
  EXPECT_THAT(lines[0], StartsWith("epoch 1/2  step 3/50  "));
  EXPECT_THAT(lines[9], StartsWith("epoch 1/2  step 25/50  "));
  EXPECT_THAT(lines[10], StartsWith("epoch 2/2  step 28/50  "));
  EXPECT_THAT(lines[19], StartsWith("epoch 2/2  step 50/50  "));
  EXPECT_THAT(lines, Each(Not(HasSubstr("\x1b"))));
}

TEST_F(ProgressTest, LineSaysHowTheEpochGoes) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({.epochs = 1, .steps_per_epoch = 10, .total_steps = 10});
  g_now += 2;
  reporter.Step(
      {.epoch = 1, .step = 1, .samples = 30, .loss = 2, .accuracy = 0.25});
  g_now += 2;
  reporter.Step(
      {.epoch = 1, .step = 2, .samples = 10, .loss = 1, .accuracy = 0.75});
  // Means over samples: (30 * 2 + 10 * 1) / 40; 40 samples in 4 s; 8 steps left
  // at 2 s each.
  EXPECT_THAT(Lines().back(),
              "epoch 1/1  step 2/10  loss 1.75  accuracy 37.50 %  "
              "10 samples/s  16 s left");
}

TEST_F(ProgressTest, MeansBeginAnewWithEachEpoch) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({.epochs = 2, .steps_per_epoch = 1, .total_steps = 2});
  reporter.Step({.epoch = 1, .step = 1, .samples = 8, .loss = 3});
  reporter.Step({.epoch = 2, .step = 2, .samples = 8, .loss = 1});
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("loss 3 "), HasSubstr("loss 1 ")));
}

TEST_F(ProgressTest, TheLastLineSaysHowLongItTook) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({.epochs = 1, .steps_per_epoch = 1, .total_steps = 1});
  g_now += 200;
  reporter.Step({.epoch = 1, .step = 1, .samples = 1, .loss = 1});
  EXPECT_THAT(Lines().back(), EndsWith("took 3 min 20 s"));
}

TEST_F(ProgressTest, LongTimesAreInHours) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({.epochs = 1, .steps_per_epoch = 10, .total_steps = 10});
  g_now += 3600;
  reporter.Step({.epoch = 1, .step = 1, .samples = 1, .loss = 1});
  EXPECT_THAT(Lines().back(), EndsWith("9 h 0 min left"));
}

TEST_F(ProgressTest, WithoutAccuracyNoneIsShown) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({});
  reporter.Step({.epoch = 1, .step = 1, .samples = 8, .loss = 3});
  EXPECT_THAT(Text(), Not(HasSubstr("accuracy")));
}

TEST_F(ProgressTest, ManyEpochsGiveAHundredLines) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  const RunLength run = {
      .epochs = 2000, .steps_per_epoch = 1, .total_steps = 2000};
  reporter.Start(run);
  Train(reporter, run, 2000);
  reporter.Finish();
  EXPECT_THAT(Lines(), SizeIs(100));
  EXPECT_THAT(Lines().back(), StartsWith("epoch 2000/2000"));
}

TEST_F(ProgressTest, ManyLongEpochsGiveALineEach) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  const RunLength run = {
      .epochs = 60, .steps_per_epoch = 50, .total_steps = 3000};
  reporter.Start(run);
  Train(reporter, run, 3000);
  EXPECT_THAT(Lines(), SizeIs(60));
}

TEST_F(ProgressTest, AResumedRunCountsItsOwnTime) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  const RunLength run = {.epochs = 1,
                         .steps_per_epoch = 100,
                         .total_steps = 100,
                         .first_step = 81};
  reporter.Start(run);
  Train(reporter, run, 90);
  // Ten of its twenty steps took 10 s.
  EXPECT_THAT(Lines().back(), StartsWith("epoch 1/1  step 90/100  "));
  EXPECT_THAT(Lines().back(), EndsWith("64 samples/s  10 s left"));
}

TEST_F(ProgressTest, FinishShowsTheStateOfARunThatStopsEarly) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  const RunLength run = {
      .epochs = 1, .steps_per_epoch = 1000, .total_steps = 1000};
  reporter.Start(run);
  Train(reporter, run, 7);
  EXPECT_EQ(Text(), "");
  reporter.Finish();
  EXPECT_THAT(Lines(), ElementsAre(StartsWith("epoch 1/1  step 7/1000")));
  reporter.Finish();
  EXPECT_THAT(Lines(), SizeIs(1));
}

TEST_F(ProgressTest, FinishOfARunWithoutStepsPrintsNothing) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({});
  reporter.Finish();
  EXPECT_EQ(Text(), "");
}

TEST_F(ProgressTest, ATerminalsLineIsDrawnInPlace) {
  ProgressReporter reporter = Reporter(200);
  const RunLength run = {.epochs = 2, .steps_per_epoch = 5, .total_steps = 10};
  reporter.Start(run);
  Train(reporter, run, 10);
  const std::vector<std::string> lines = Lines();
  // One line an epoch stays, each drawn five times.
  ASSERT_THAT(lines, SizeIs(2));
  const std::vector<std::string> draws =
      absl::StrSplit(lines[0], "\r\x1b[K", absl::SkipEmpty());
  ASSERT_THAT(draws, SizeIs(5));
  EXPECT_THAT(draws[4], StartsWith("epoch 1/2  step 5/10  "));
}

TEST_F(ProgressTest, ATerminalIsDrawnTenTimesASecondAtMost) {
  ProgressReporter reporter = Reporter(200);
  const RunLength run = {
      .epochs = 1, .steps_per_epoch = 10000, .total_steps = 10000};
  reporter.Start(run);
  Train(reporter, run, 9999, /*seconds_per_step=*/1.0 / 1024);
  const std::vector<std::string> draws =
      absl::StrSplit(Text(), "\r\x1b[K", absl::SkipEmpty());
  EXPECT_GE(draws.size(), 90u);
  EXPECT_LE(draws.size(), 98u);
}

TEST_F(ProgressTest, ATerminalsLineDoesNotWrap) {
  ProgressReporter reporter = Reporter(30);
  const RunLength run = {.epochs = 1, .steps_per_epoch = 2, .total_steps = 2};
  reporter.Start(run);
  Train(reporter, run, 2);
  EXPECT_EQ(Lines()[0].substr(0, 4), "\r\x1b[K");
  const std::vector<std::string> draws =
      absl::StrSplit(Lines()[0], "\r\x1b[K", absl::SkipEmpty());
  EXPECT_THAT(draws, Each(SizeIs(29)));
}

TEST_F(ProgressTest, APrintedLineStandsAboveTheProgress) {
  ProgressReporter reporter = Reporter(200);
  const RunLength run = {.epochs = 1, .steps_per_epoch = 9, .total_steps = 9};
  reporter.Start(run);
  Train(reporter, run, 3);
  const size_t before = Text().size();
  reporter.Print("test accuracy 97 %");
  EXPECT_THAT(Text().substr(before),
              StartsWith("\r\x1b[Ktest accuracy 97 %\n\r\x1b[Kepoch 1/1"));
}

TEST_F(ProgressTest, APrintedLineIsPlainElsewhere) {
  ProgressReporter reporter = Reporter(kNoTerminal);
  reporter.Start({});
  reporter.Print("test accuracy 97 %");
  EXPECT_EQ(Text(), "test accuracy 97 %\n");
}

TEST_F(ProgressTest, AFileIsNoTerminal) {
  std::FILE* file = std::tmpfile();
  ProgressReporter reporter(file);
  reporter.Start({});
  reporter.Step({.epoch = 1, .step = 1, .samples = 8, .loss = 3});
  std::rewind(file);
  char line[200] = "";
  ASSERT_NE(std::fgets(line, sizeof(line), file), nullptr);
  std::fclose(file);
  EXPECT_THAT(line, StartsWith("epoch 1/1  step 1/1  loss 3 "));
}

}  // namespace
}  // namespace kiln
