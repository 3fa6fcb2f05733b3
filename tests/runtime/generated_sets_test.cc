#include "runtime/generated_sets.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::ElementsAre;

TEST(GeneratedSetsTest, XorIsItsFourRows) {
  const DataPair data = MakeXor();
  for (const Dataset* part : {&data.train, &data.test}) {
    ASSERT_EQ(part->samples, 4);
    ASSERT_EQ(part->inputs.size(), 1u);
    ASSERT_EQ(part->targets.size(), 1u);
    EXPECT_THAT(part->inputs[0].spec.shape, ElementsAre(2));
    EXPECT_THAT(part->inputs[0].floats(), ElementsAre(0, 0, 0, 1, 1, 0, 1, 1));
    EXPECT_THAT(part->targets[0].spec.shape, ElementsAre(1));
    EXPECT_EQ(part->targets[0].spec.classes, 0);
    EXPECT_THAT(part->targets[0].floats(), ElementsAre(0, 1, 1, 0));
  }
}

TEST(GeneratedSetsTest, CloudSurroundsTheRows) {
  const DataPair data = MakeXorCloud(1);
  EXPECT_EQ(data.train.samples, kXorCloudTrainSamples);
  EXPECT_EQ(data.test.samples, kXorCloudTestSamples);
  const auto x = data.train.inputs[0].floats();
  const auto y = data.train.targets[0].floats();
  double square = 0;
  int astray = 0;
  for (int64_t i = 0; i < data.train.samples; ++i) {
    const double dx = x[2 * i] - static_cast<double>(i / 2 % 2);
    const double dy = x[2 * i + 1] - static_cast<double>(i % 2);
    square += dx * dx + dy * dy;
    astray += ((x[2 * i] > 0.5) != (x[2 * i + 1] > 0.5)) != (y[i] > 0.5);
    EXPECT_EQ(y[i], i / 2 % 2 != i % 2 ? 1 : 0);
  }
  // 800 coordinates of deviation 0.15; five standard errors of 2.5 %.
  EXPECT_NEAR(std::sqrt(square / (2 * kXorCloudTrainSamples)), 0.15, 0.019);
  EXPECT_LE(astray, 4);
}

TEST(GeneratedSetsTest, CloudIsAFunctionOfItsSeed) {
  const DataPair once = MakeXorCloud(1);
  EXPECT_EQ(once.train.inputs[0].bytes, MakeXorCloud(1).train.inputs[0].bytes);
  EXPECT_NE(once.train.inputs[0].bytes, MakeXorCloud(2).train.inputs[0].bytes);
  EXPECT_NE(once.train.inputs[0].floats()[0], once.test.inputs[0].floats()[0]);
}

TEST(GeneratedSetsTest, ColumnsAreAligned) {
  const DataPair data = MakeXor();
  const auto address =
      reinterpret_cast<uintptr_t>(data.train.inputs[0].bytes.data());
  EXPECT_EQ(address % kAlignment, 0u);
}

}  // namespace
}  // namespace kiln
