#include "runtime/random.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(RandomTest, SplitMix64GivesItsPublishedNumbers) {
  // Seed 1234567 of the reference implementation
  // (https://prng.di.unimi.it/splitmix64.c).
  uint64_t state = 1234567;
  EXPECT_EQ(SplitMix64(state), 6457827717110365317u);
  EXPECT_EQ(SplitMix64(state), 3203168211198807973u);
  EXPECT_EQ(SplitMix64(state), 9817491932198370423u);
}

TEST(RandomTest, BitsAreThoseOfXoshiro256StarStar) {
  // State 1, 2, 3, 4 of the reference implementation
  // (https://prng.di.unimi.it/xoshiro256starstar.c).
  Random random(Random::State{1, 2, 3, 4});
  EXPECT_EQ(random.Bits(), 11520u);
  EXPECT_EQ(random.Bits(), 0u);
  EXPECT_EQ(random.Bits(), 1509978240u);
  EXPECT_EQ(random.Bits(), 1215971899390074240u);
  EXPECT_EQ(random.Bits(), 1216172134540287360u);
}

TEST(RandomTest, TheSameSeedGivesTheSameBitsOnEveryMachine) {
  Random random(42);
  EXPECT_EQ(random.Bits(), 1865750160070900731u);
  EXPECT_EQ(std::bit_cast<uint32_t>(random.Uniform()), 1052540412u);
  EXPECT_EQ(std::bit_cast<uint32_t>(random.Uniform(-3, 7)), 1083500749u);
  EXPECT_EQ(std::bit_cast<uint32_t>(random.Normal()), 1054441919u);
  uint32_t mixed = 0;
  for (int i = 0; i < 10000; ++i) {
    mixed = mixed * 31 + std::bit_cast<uint32_t>(random.Normal());
  }
  EXPECT_EQ(mixed, 806025533u);
}

TEST(RandomTest, SeedsAndStreamsDiffer) {
  std::map<uint64_t, int> first;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (uint64_t stream = 0; stream < 20; ++stream) {
      ++first[Random(seed, stream).Bits()];
    }
  }
  EXPECT_EQ(first.size(), 400u);
}

TEST(RandomTest, ContinuesFromItsState) {
  Random random(7);
  random.Normal();
  Random resumed(random.state());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(resumed.Normal(), random.Normal());
}

TEST(RandomTest, AllZeroStateIsReplaced) {
  Random random(Random::State{});
  EXPECT_NE(random.Bits(), random.Bits());
}

TEST(RandomTest, UniformStaysWithinItsBoundsAndFillsThem) {
  Random random(1);
  double sum = 0;
  float least = 2, greatest = -1;
  for (int i = 0; i < 100000; ++i) {
    const float u = random.Uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    least = std::min(least, u);
    greatest = std::max(greatest, u);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);  // 5 standard errors
  EXPECT_LT(least, 0.001);
  EXPECT_GT(greatest, 0.999);
  for (int i = 0; i < 1000; ++i) {
    const float u = random.Uniform(-0.2f, 0.4f);
    ASSERT_GE(u, -0.2f);
    ASSERT_LE(u, 0.4f);
  }
}

TEST(RandomTest, NormalHasTheNormalDistributionsShape) {
  Random random(1);
  constexpr int kCount = 200000;
  double moments[5] = {};
  int beyond[4] = {};
  for (int i = 0; i < kCount; ++i) {
    const double x = random.Normal();
    double power = 1;
    for (double& moment : moments) moment += power / kCount, power *= x;
    for (int k = 1; k < 4; ++k) beyond[k] += std::abs(x) > k;
  }
  // Moments 0, 1, 0, 3; tolerances are five standard errors.
  EXPECT_NEAR(moments[1], 0, 0.011);
  EXPECT_NEAR(moments[2], 1, 0.016);
  EXPECT_NEAR(moments[3], 0, 0.044);
  EXPECT_NEAR(moments[4], 3, 0.11);
  // P(|x| > k) = erfc(k / sqrt 2).
  for (int k = 1; k < 4; ++k) {
    const double p = std::erfc(k / std::sqrt(2.0));
    EXPECT_NEAR(beyond[k], p * kCount, 5 * std::sqrt(p * kCount)) << k;
  }
}

TEST(RandomTest, BelowIsUniform) {
  Random random(3);
  constexpr int kCount = 60000;
  std::vector<int> counts(6);
  for (int i = 0; i < kCount; ++i) ++counts[random.Below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 460);
  EXPECT_EQ(random.Below(0), 0u);
  EXPECT_EQ(random.Below(1), 0u);
}

TEST(RandomTest, BelowIsUniformWhereAPlainMultiplicationIsNot) {
  // With 3 * 2^30, a third of the results would come up twice as often as the
  // rest: those divisible by 3.
  Random random(3);
  int divisible = 0;
  for (int i = 0; i < 30000; ++i) divisible += random.Below(3u << 30) % 3 == 0;
  EXPECT_NEAR(divisible, 10000, 410);
}

TEST(RandomTest, ShuffleGivesEachOrderEquallyOften) {
  Random random(5);
  std::map<std::string, int> orders;
  for (int i = 0; i < 24000; ++i) {
    std::string letters = "abcd";
    random.Shuffle(absl::MakeSpan(letters));
    ++orders[letters];
  }
  EXPECT_EQ(orders.size(), 24u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 160);
}

TEST(RandomTest, ShuffleOfNothingAndOfOneIsAllowed) {
  Random random(5);
  std::vector<int> none, one = {7};
  random.Shuffle(absl::MakeSpan(none));
  random.Shuffle(absl::MakeSpan(one));
  EXPECT_EQ(one[0], 7);
}

}  // namespace
}  // namespace kiln
