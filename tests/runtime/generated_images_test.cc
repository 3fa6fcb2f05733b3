#include "runtime/generated_images.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <set>
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

// What is lit of an 8x8 image: how much, and the smallest box around it.
struct Lit {
  int pixels = 0, left = 8, right = -1, top = 8, bottom = -1;
  int width() const { return right - left + 1; }
  int height() const { return bottom - top + 1; }
};

Lit LitPixels(const Dataset& data, int64_t sample) {
  Lit lit;
  for (int i = 0; i < 64; ++i) {
    const float pixel = data.inputs[0].floats()[sample * 64 + i];
    EXPECT_TRUE(pixel == 0 || pixel == 1);
    if (pixel == 0) continue;
    ++lit.pixels;
    lit.left = std::min(lit.left, i % 8);
    lit.right = std::max(lit.right, i % 8);
    lit.top = std::min(lit.top, i / 8);
    lit.bottom = std::max(lit.bottom, i / 8);
  }
  return lit;
}

TEST(GeneratedImagesTest, BothPartsAreTheSame64Samples) {
  for (const auto make : {MakeRandom4x4, MakeLines, MakeDetection}) {
    const DataPair data = make(3);
    EXPECT_EQ(data.train.samples, 64);
    EXPECT_EQ(data.test.samples, 64);
    EXPECT_EQ(data.train.inputs[0].bytes, data.test.inputs[0].bytes);
    for (size_t i = 0; i < data.train.targets.size(); ++i) {
      EXPECT_EQ(data.train.targets[i].bytes, data.test.targets[i].bytes);
    }
    EXPECT_EQ(data.train.targets[0].spec.name, "label");
    EXPECT_EQ(data.train.targets[0].spec.classes, 2);
  }
}

TEST(GeneratedImagesTest, Random4x4IsUniformNoise) {
  const DataPair data = MakeRandom4x4(1);
  EXPECT_THAT(data.train.inputs[0].spec.shape, ElementsAre(1, 4, 4));
  const auto pixels = data.train.inputs[0].floats();
  ASSERT_EQ(pixels.size(), 1024u);
  double sum = 0, square = 0;
  for (const float pixel : pixels) {
    EXPECT_GE(pixel, 0);
    EXPECT_LT(pixel, 1);
    sum += pixel;
    square += pixel * pixel;
  }
  // Five standard errors: sqrt(1/12) and sqrt(4/45) over 32.
  EXPECT_NEAR(sum / 1024, 0.5, 0.046);
  EXPECT_NEAR(square / 1024, 1.0 / 3, 0.047);
  const auto labels = data.train.targets[0].labels();
  const auto ones = std::count(labels.begin(), labels.end(), 1);
  EXPECT_EQ(ones + std::count(labels.begin(), labels.end(), 0), 64);
  // Five standard errors of 4.
  EXPECT_GE(ones, 12);
  EXPECT_LE(ones, 52);
}

TEST(GeneratedImagesTest, LinesAreOneStraightLineEach) {
  const DataPair data = MakeLines(1);
  EXPECT_THAT(data.train.inputs[0].spec.shape, ElementsAre(1, 8, 8));
  std::set<int> lengths;
  for (int i = 0; i < 64; ++i) {
    const Lit lit = LitPixels(data.train, i);
    EXPECT_EQ(lit.pixels, lit.width() * lit.height());
    const int label = data.train.targets[0].labels()[i];
    EXPECT_EQ(label, i % 2);
    EXPECT_EQ(label == 1 ? lit.height() : lit.width(), 1);
    lengths.insert(lit.pixels);
  }
  EXPECT_THAT(lengths, ElementsAre(4, 5, 6, 7, 8));
}

TEST(GeneratedImagesTest, DetectionIsOneSquareOfTheGivenWidthEach) {
  const DataPair data = MakeDetection(1);
  ASSERT_EQ(data.train.targets.size(), 2u);
  EXPECT_EQ(data.train.targets[1].spec.name, "width");
  EXPECT_THAT(data.train.targets[1].spec.shape, ElementsAre(1));
  std::array<int, 8> count = {};
  for (int i = 0; i < 64; ++i) {
    const Lit lit = LitPixels(data.train, i);
    const int width = static_cast<int>(data.train.targets[1].floats()[i]);
    EXPECT_EQ(data.train.targets[1].floats()[i], width);
    EXPECT_EQ(lit.width(), width);
    EXPECT_EQ(lit.height(), width);
    const bool outline = data.train.targets[0].labels()[i] == 1;
    EXPECT_EQ(lit.pixels, outline ? 4 * (width - 1) : width * width);
    EXPECT_EQ(outline, i % 2 == 1);
    ++count.at(width);
  }
  EXPECT_THAT(count, ElementsAre(0, 0, 0, 14, 14, 12, 12, 12));
}

TEST(GeneratedImagesTest, PlacesVary) {
  for (const auto make : {MakeLines, MakeDetection}) {
    const DataPair data = make(1);
    std::set<int> lefts, tops;
    for (int i = 0; i < 64; ++i) {
      const Lit lit = LitPixels(data.train, i);
      lefts.insert(lit.left);
      tops.insert(lit.top);
    }
    EXPECT_GE(lefts.size(), 5u);
    EXPECT_GE(tops.size(), 5u);
  }
}

// The bytes that every machine must draw. After a deliberate change to a set,
// take the new number from the failure.
TEST(GeneratedImagesTest, TheSameSeedGivesTheSameBytesOnEveryMachine) {
  EXPECT_EQ(Crc(MakeRandom4x4(1).train.inputs[0]), 3082875649u);
  EXPECT_EQ(Crc(MakeRandom4x4(1).train.targets[0]), 3398590855u);
  EXPECT_EQ(Crc(MakeLines(1).train.inputs[0]), 1981475667u);
  EXPECT_EQ(Crc(MakeDetection(1).train.inputs[0]), 1083547272u);
}

TEST(GeneratedImagesTest, SeedsDiffer) {
  for (const auto make : {MakeRandom4x4, MakeLines, MakeDetection}) {
    EXPECT_NE(Crc(make(1).train.inputs[0]), Crc(make(2).train.inputs[0]));
  }
}

}  // namespace
}  // namespace kiln
