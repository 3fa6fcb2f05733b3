// Random tensors, as dropout and random slopes use them: emitted code against
// the interpreter, and its bits against published ones.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "dsl/ops/pointwise.h"
#include "dsl/ops/random.h"
#include "gtest/gtest.h"
#include "tests/ops/random_reference.h"
#include "tests/support/emitted_check.h"
#include "tests/support/graph_testing.h"

namespace kiln {
namespace {

TEST(RandomLayersTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("random", Schedule::kFast);
}
TEST(RandomLayersTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("random", Schedule::kNaive);
}

// The known answers of philox2x32 with 10 rounds that its authors publish with
// Random123 (tests/kat_vectors).
TEST(RandomLayersTest, PhiloxGivesItsKnownAnswers) {
  using Words = std::pair<uint32_t, uint32_t>;
  EXPECT_EQ(Philox2x32(0, 0, 0), Words(0xff1dae59, 0x6cd10df2));
  EXPECT_EQ(Philox2x32(0xffffffff, 0xffffffff, 0xffffffff),
            Words(0x2c3f628b, 0xab4fd7ad));
  EXPECT_EQ(Philox2x32(0x243f6a88, 0x85a308d3, 0x13198a2e),
            Words(0xdd7ce038, 0xf62a4c12));
}

// The numbers of `batch` samples of `size` elements.
std::vector<double> Numbers(const Distribution& distribution, int64_t size,
                            int64_t batch, uint32_t seed = 1, uint32_t step = 0,
                            uint32_t ordinal = 1) {
  GraphMaker maker;
  maker.Add(std::make_shared<RandomOp>(Shape{size}, distribution, ordinal), {},
            "numbers");
  GraphValues values;
  values.batch = batch;
  values.seed = seed;
  values.step = step;
  return ValueOf(maker.graph(), values, "numbers");
}

struct Moments {
  double mean = 0, variance = 0;
};
Moments MomentsOf(const std::vector<double>& numbers) {
  Moments m;
  const double count = static_cast<double>(numbers.size());
  for (double x : numbers) m.mean += x / count;
  for (double x : numbers) m.variance += (x - m.mean) * (x - m.mean) / count;
  return m;
}

// Within five standard errors, which chance passes once in 1.7 million seeds.
TEST(RandomLayersTest, MomentsAreThoseOfTheDistribution) {
  constexpr int64_t kCount = 200 * 1000;
  for (double rate : {0.1, 0.5, 0.9}) {
    const Moments m = MomentsOf(Numbers(Distribution::Keep(rate), 1000, 200));
    const double variance = rate / (1 - rate);
    EXPECT_NEAR(m.mean, 1, 5 * std::sqrt(variance / kCount)) << rate;
    EXPECT_NEAR(m.variance / variance, 1, 0.03) << rate;
  }
  const Moments m =
      MomentsOf(Numbers(Distribution::Uniform(0.125, 0.375), 1000, 200));
  EXPECT_NEAR(m.mean, 0.25, 5 * 0.25 / std::sqrt(12.0 * kCount));
  EXPECT_NEAR(m.variance, 0.25 * 0.25 / 12, 1e-4);
}

TEST(RandomLayersTest, NoRateKeepsAllAndAnIntervalOfOnePointIsThatPoint) {
  for (double x : Numbers(Distribution::Keep(0), 50, 3)) EXPECT_EQ(x, 1);
  for (double x : Numbers(Distribution::Uniform(0.25, 0.25), 50, 3))
    EXPECT_EQ(x, 0.25);
}

// Neighbouring seeds, steps, ordinals and rows give numbers that agree no more
// often than chance has it: of 1000 fair coins 500, and 80 is five standard
// deviations.
TEST(RandomLayersTest, EveryPartOfTheKeyMatters) {
  const auto keep = Distribution::Keep(0.5);
  const std::vector<double> base = Numbers(keep, 1000, 2);
  const std::vector<double> row0(base.begin(), base.begin() + 1000),
      row1(base.begin() + 1000, base.end());
  const std::vector<std::vector<double>> others = {
      row1, Numbers(keep, 1000, 1, 2), Numbers(keep, 1000, 1, 1, 1),
      Numbers(keep, 1000, 1, 1, 0, 2)};
  for (const std::vector<double>& other : others) {
    int same = 0;
    for (size_t i = 0; i < row0.size(); ++i) same += row0[i] == other[i];
    EXPECT_NEAR(same, 500, 80);
  }
  EXPECT_EQ(Numbers(keep, 1000, 1), row0);
}

}  // namespace
}  // namespace kiln
