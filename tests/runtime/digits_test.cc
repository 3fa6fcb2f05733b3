#include "runtime/digits.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>
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

TEST(DigitsTest, IsAnMnistLikeSet) {
  const DataPair data = MakeDigits(1, 30, 10);
  ASSERT_EQ(data.train.samples, 30);
  ASSERT_EQ(data.test.samples, 10);
  ASSERT_EQ(data.train.inputs.size(), 1u);
  ASSERT_EQ(data.train.targets.size(), 1u);
  const Column& image = data.train.inputs[0];
  EXPECT_THAT(image.spec.shape, ElementsAre(1, 28, 28));
  EXPECT_EQ(image.spec.storage, Storage::kUint8);
  EXPECT_EQ(image.bytes.size(), 30u * 784);
  const Column& label = data.train.targets[0];
  EXPECT_EQ(label.spec.classes, 10);
  EXPECT_EQ(label.labels().size(), 30u);
}

TEST(DigitsTest, DefaultSizeIsBalanced) {
  const DataPair data = MakeDigits(1);
  EXPECT_EQ(data.train.samples, 6000);
  EXPECT_EQ(data.test.samples, 1000);
  for (const Dataset* part : {&data.train, &data.test}) {
    std::vector<int64_t> counts(10);
    for (const int32_t label : part->targets[0].labels()) ++counts.at(label);
    for (const int64_t count : counts) EXPECT_EQ(count, part->samples / 10);
  }
}

// The bytes that every machine must draw. After a deliberate change to the
// drawing, take the new number from the failure.
TEST(DigitsTest, TheSameSeedGivesTheSameBytesOnEveryMachine) {
  const DataPair data = MakeDigits(1);
  EXPECT_EQ(Crc(data.train.inputs[0]), 1702487374u);
  EXPECT_EQ(Crc(data.train.targets[0]), 399412773u);
  EXPECT_EQ(Crc(data.test.inputs[0]), 1239012942u);
}

TEST(DigitsTest, SeedsAndPartsDiffer) {
  const DataPair data = MakeDigits(1, 100, 100);
  EXPECT_NE(Crc(data.train.inputs[0]), Crc(data.test.inputs[0]));
  EXPECT_NE(Crc(data.train.inputs[0]),
            Crc(MakeDigits(2, 100, 100).train.inputs[0]));
}

TEST(DigitsTest, NoImageIsDrawnTwice) {
  const DataPair data = MakeDigits(1, 2000, 10);
  const uint8_t* bytes = data.train.inputs[0].bytes.data();
  std::set<std::string> images;
  for (int i = 0; i < 2000; ++i) {
    images.emplace(bytes + i * kDigitPixels, bytes + (i + 1) * kDigitPixels);
  }
  EXPECT_EQ(images.size(), 2000u);
}

// Ink stays on the paper: nearly all of what is bright lies off the border.
TEST(DigitsTest, DigitsFitTheirImages) {
  Random random(1);
  std::vector<uint8_t> image(kDigitPixels);
  int touching = 0;
  for (int i = 0; i < 1000; ++i) {
    DrawDigit(i % 10, random, absl::MakeSpan(image));
    int inside = 0, border = 0;
    for (int y = 0; y < kDigitSize; ++y) {
      for (int x = 0; x < kDigitSize; ++x) {
        const bool edge = std::min(x, y) == 0 || std::max(x, y) == 27;
        (edge ? border : inside) += image[y * kDigitSize + x] > 100;
      }
    }
    EXPECT_GE(inside, 8) << i;
    EXPECT_LE(inside, 392) << i;
    touching += border > 0;
  }
  EXPECT_LE(touching, 20);
}

// Classes look alike within and unlike between: the nearest of 1000 training
// images, in squared distance, has the right label far more often than not.
TEST(DigitsTest, NearestNeighbourFindsTheClass) {
  constexpr int kTrain = 1000, kTest = 200;
  const DataPair data = MakeDigits(3, kTrain, kTest);
  const uint8_t* train = data.train.inputs[0].bytes.data();
  const uint8_t* test = data.test.inputs[0].bytes.data();
  int right = 0;
  for (int i = 0; i < kTest; ++i) {
    int64_t nearest = std::numeric_limits<int64_t>::max();
    int32_t label = -1;
    for (int j = 0; j < kTrain; ++j) {
      int64_t distance = 0;
      for (int p = 0; p < kDigitPixels; ++p) {
        const int d = test[i * kDigitPixels + p] - train[j * kDigitPixels + p];
        distance += d * d;
      }
      if (distance < nearest) label = data.train.targets[0].labels()[j];
      nearest = std::min(nearest, distance);
    }
    right += label == data.test.targets[0].labels()[i];
  }
  EXPECT_GE(right, kTest * 80 / 100);
  EXPECT_LT(right, kTest) << "too easy to be interesting";
}

}  // namespace
}  // namespace kiln
