#include "generators/autoschedule.h"

#include <csignal>
#include <cstdio>

#include "Halide.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(WhyItFailsTest, SaysNothingOfSuccess) {
  EXPECT_EQ(WhyItFails([] {
              std::fputs("a warning\n", stderr);
              return 0;
            }),
            "");
}

TEST(WhyItFailsTest, SaysTheLastLineFitForAParameter) {
  EXPECT_EQ(WhyItFails([] {
              std::fputs("first\nError: a = b\n", stderr);
              return 1;
            }),
            "Error: a : b");
}

TEST(WhyItFailsTest, SurvivesASignal) {
  EXPECT_EQ(WhyItFails([] { return std::raise(SIGKILL); }), "Killed");
}

TEST(WhyItFailsTest, SaysWhatHalideSays) {
  const std::string reason = WhyItFails([] {
    Halide::Func f("f");
    Halide::Var x("x"), y("y");
    f(x) = x;
    f.vectorize(y);
    return 0;
  });
  EXPECT_THAT(reason, testing::HasSubstr("y"));
  EXPECT_THAT(reason, testing::Not(testing::HasSubstr("\n")));
}

TEST(ClearNaiveScheduleTest, InlinesWhatWasStored) {
  const Halide::Var x("x");
  Halide::Func stored("stored"), output("output");
  stored(x) = x * 2;
  stored.compute_root();
  output(x) = stored(x) + stored(x + 1);
  ClearNaiveSchedule({output});

  Halide::LoopLevel level = stored.function().schedule().compute_level();
  level.lock();
  EXPECT_TRUE(level.is_inlined());
  const Halide::Buffer<int> values = output.realize({3});
  EXPECT_EQ(values(2), 4 + 6);
}

}  // namespace
}  // namespace kiln
