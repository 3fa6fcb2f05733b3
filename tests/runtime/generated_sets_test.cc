#include "runtime/generated_sets.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::ElementsAre;

uint32_t Crc(const Column& column) {
  return static_cast<uint32_t>(
      crc32_z(0, column.bytes.data(), column.bytes.size()));
}

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

TEST(GeneratedSetsTest, OrAndAndAreTheirRows) {
  EXPECT_THAT(MakeOr().train.inputs[0].floats(),
              ElementsAre(0, 0, 0, 1, 1, 0, 1, 1));
  EXPECT_THAT(MakeOr().train.targets[0].floats(), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(MakeAnd().test.targets[0].floats(), ElementsAre(0, 0, 0, 1));
  EXPECT_EQ(MakeAnd().train.targets[0].origin, "and");
}

TEST(GeneratedSetsTest, PlaneIsTwoHalfCirclesThatInterleave) {
  const DataPair data = MakePlane(1);
  EXPECT_EQ(data.train.samples, kPlaneTrainSamples);
  EXPECT_EQ(data.test.samples, kPlaneTestSamples);
  double square = 0, up[2] = {};
  for (const Dataset* part : {&data.train, &data.test}) {
    EXPECT_THAT(part->inputs[0].spec.shape, ElementsAre(2));
    EXPECT_EQ(part->targets[0].spec.classes, 2);
    const auto x = part->inputs[0].floats();
    for (int64_t i = 0; i < part->samples; ++i) {
      const int label = part->targets[0].labels()[i];
      EXPECT_EQ(label, i % 2);
      const double side = label == 0 ? 1 : -1;
      const double px = side * x[2 * i] + 0.5, py = side * x[2 * i + 1] + 0.25;
      const double off = std::hypot(px, py) - 1;
      // Five deviations; below the circle's end one sees the noise alone.
      EXPECT_NEAR(off, 0, 0.25);
      EXPECT_GT(py, -0.25);
      square += off * off;
      up[label] += py;
    }
  }
  // 1000 radii of deviation 0.05; five standard errors of 2.2 %.
  EXPECT_NEAR(std::sqrt(square / 1000), 0.05, 0.006);
  // t uniform in [-1, 1]: the mean of (1 - t^2) / (1 + t^2) is pi / 2 - 1, its
  // deviation 0.31, over 500 points 0.014.
  EXPECT_NEAR(up[0] / 500, 0.5708, 0.07);
  EXPECT_NEAR(up[1] / 500, 0.5708, 0.07);
}

// The share of points that the best of many straight lines tells apart.
double BestLine(const Dataset& data) {
  const auto x = data.inputs[0].floats();
  const auto labels = data.targets[0].labels();
  int64_t best = 0;
  for (int angle = 0; angle < 180; ++angle) {
    const double a = std::cos(angle * M_PI / 180);
    const double b = std::sin(angle * M_PI / 180);
    for (double offset = -2; offset <= 2; offset += 0.05) {
      int64_t right = 0;
      for (int64_t i = 0; i < data.samples; ++i) {
        right += (a * x[2 * i] + b * x[2 * i + 1] > offset) == (labels[i] == 1);
      }
      best = std::max({best, right, data.samples - right});
    }
  }
  return static_cast<double>(best) / static_cast<double>(data.samples);
}

TEST(GeneratedSetsTest, NoLineTellsThePlanesClassesApart) {
  for (const uint64_t seed : {1, 2, 3}) {
    EXPECT_LT(BestLine(MakePlane(seed).train), 0.9);
  }
  EXPECT_GT(BestLine(MakePlane(1).train), 0.8);  // the search does search
}

TEST(GeneratedSetsTest, RegressionIsNoisyForTrainingAndExactForTest) {
  const DataPair data = MakeRegression(1);
  const auto curve = [](double x) { return x * (3 - x * x) / 2; };
  ASSERT_EQ(data.train.samples, 100);
  double square = 0, sum = 0;
  for (int i = 0; i < 100; ++i) {
    const float x = data.train.inputs[0].floats()[i];
    EXPECT_GE(x, -2);
    EXPECT_LE(x, 2);
    sum += x;
    const double off = data.train.targets[0].floats()[i] - curve(x);
    square += off * off;
  }
  EXPECT_NEAR(sum / 100, 0, 0.58);  // five of 1.155 / 10
  EXPECT_NEAR(std::sqrt(square / 100), 0.1, 0.036);
  ASSERT_EQ(data.test.samples, 101);
  for (int i = 0; i < 101; ++i) {
    const float x = data.test.inputs[0].floats()[i];
    EXPECT_EQ(x, static_cast<float>((i - 50) / 25.0));
    EXPECT_NEAR(data.test.targets[0].floats()[i], curve(x), 5e-7);
  }
}

TEST(GeneratedSetsTest, EverySetIsFoundByItsName) {
  EXPECT_EQ(GeneratedSetNames(),
            "digits, xor, or, and, xor_cloud, plane, random4x4, lines, "
            "detection, regression or hand_421");
  for (const char* name :
       {"digits", "xor", "or", "and", "xor_cloud", "plane", "random4x4",
        "lines", "detection", "regression", "hand_421"}) {
    EXPECT_TRUE(IsGeneratedSet(name));
    const std::optional<DataPair> data = MakeGeneratedSet(name, 1);
    ASSERT_TRUE(data.has_value()) << name;
    for (const Dataset* part : {&data->train, &data->test}) {
      EXPECT_GT(part->samples, 0);
      for (const auto* columns : {&part->inputs, &part->targets}) {
        for (const Column& column : *columns) {
          EXPECT_EQ(column.origin, name);
          EXPECT_EQ(static_cast<int64_t>(column.bytes.size()),
                    part->samples * column.spec.elements() *
                        StorageSize(column.spec.storage));
        }
      }
    }
  }
  EXPECT_FALSE(IsGeneratedSet("xo"));
  EXPECT_FALSE(MakeGeneratedSet("", 1).has_value());
}

// The bytes that every machine must make. After a deliberate change to a set,
// take the new number from the failure.
TEST(GeneratedSetsTest, TheSameSeedGivesTheSameBytesOnEveryMachine) {
  EXPECT_EQ(Crc(MakeXorCloud(1).train.inputs[0]), 1960627149u);
  EXPECT_EQ(Crc(MakePlane(1).train.inputs[0]), 3655639159u);
  EXPECT_EQ(Crc(MakePlane(1).test.inputs[0]), 1034866866u);
  EXPECT_EQ(Crc(MakeRegression(1).train.inputs[0]), 1475894740u);
  EXPECT_EQ(Crc(MakeRegression(1).train.targets[0]), 1309145822u);
  EXPECT_EQ(Crc(MakeRegression(1).test.targets[0]), 683304245u);
}

TEST(GeneratedSetsTest, SeedsDiffer) {
  for (const char* name : {"plane", "regression"}) {
    EXPECT_NE(Crc(MakeGeneratedSet(name, 1)->train.inputs[0]),
              Crc(MakeGeneratedSet(name, 2)->train.inputs[0]));
  }
}

TEST(GeneratedSetsTest, ColumnsAreAligned) {
  const DataPair data = MakeXor();
  const auto address =
      reinterpret_cast<uintptr_t>(data.train.inputs[0].bytes.data());
  EXPECT_EQ(address % kAlignment, 0u);
}

}  // namespace
}  // namespace kiln
