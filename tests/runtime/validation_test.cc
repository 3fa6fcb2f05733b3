#include "runtime/validation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

// Sample i has the input (2 i, 2 i + 1) and the label i.
DataPair Numbered(int samples) {
  Dataset data{.samples = samples, .inputs = {}, .targets = {}};
  data.inputs = {MakeColumn({.name = "x", .shape = {2}}, samples)};
  data.targets = {MakeColumn({.name = "label",
                              .shape = {},
                              .storage = Storage::kInt32,
                              .classes = samples},
                             samples)};
  data.inputs[0].origin = "numbers";
  for (int i = 0; i < 2 * samples; ++i) {
    data.inputs[0].mutable_floats()[i] = static_cast<float>(i);
  }
  for (int i = 0; i < samples; ++i) data.targets[0].mutable_labels()[i] = i;
  return {.train = data, .test = {}};
}

std::vector<int> Labels(const Dataset& data) {
  const auto labels = data.targets[0].labels();
  return {labels.begin(), labels.end()};
}

TEST(ValidationTest, EverySampleIsInOnePartWithAllItsColumns) {
  DataPair data = Numbered(50);
  ASSERT_TRUE(HoldBack(0.1, 1, data).ok());
  EXPECT_EQ(data.train.samples, 45);
  EXPECT_EQ(data.test.samples, 5);
  std::set<int> seen;
  for (const Dataset* part : {&data.train, &data.test}) {
    EXPECT_EQ(part->inputs[0].origin, "numbers");
    const std::vector<int> labels = Labels(*part);
    ASSERT_EQ(static_cast<int64_t>(labels.size()), part->samples);
    EXPECT_TRUE(std::is_sorted(labels.begin(), labels.end()));
    for (size_t i = 0; i < labels.size(); ++i) {
      seen.insert(labels[i]);
      EXPECT_EQ(part->inputs[0].floats()[2 * i], 2 * labels[i]);
      EXPECT_EQ(part->inputs[0].floats()[2 * i + 1], 2 * labels[i] + 1);
    }
  }
  EXPECT_EQ(seen.size(), 50u);
}

TEST(ValidationTest, TheSeedChooses) {
  std::set<std::vector<int>> choices;
  for (uint64_t seed : {1, 2, 3, 3}) {
    DataPair data = Numbered(50);
    ASSERT_TRUE(HoldBack(0.1, seed, data).ok());
    choices.insert(Labels(data.test));
  }
  EXPECT_EQ(choices.size(), 3u);
  // The choice that every machine must make.
  DataPair data = Numbered(10);
  ASSERT_TRUE(HoldBack(0.3, 1, data).ok());
  EXPECT_THAT(Labels(data.test), testing::ElementsAre(1, 6, 8));
}

TEST(ValidationTest, RoundsToWholeSamples) {
  DataPair data = Numbered(7);
  ASSERT_TRUE(HoldBack(0.2, 1, data).ok());  // 1.4
  EXPECT_EQ(data.test.samples, 1);
  data = Numbered(7);
  ASSERT_TRUE(HoldBack(0.22, 1, data).ok());  // 1.54
  EXPECT_EQ(data.test.samples, 2);
}

TEST(ValidationTest, RefusesSharesThatLeaveNothing) {
  DataPair data = Numbered(4);
  for (const double share : {-0.1, 0.0, 1.0, 1.5, std::nan("")}) {
    EXPECT_TRUE(IsOneLineError(HoldBack(share, 1, data),
                               {"--validation=", "is not a share"}));
  }
  EXPECT_TRUE(IsOneLineError(
      HoldBack(0.1, 1, data),
      {"--validation=0.1 of 4 training samples leaves none to judge by"}));
  EXPECT_TRUE(IsOneLineError(
      HoldBack(0.9, 1, data),
      {"--validation=0.9 of 4 training samples leaves none to train on"}));
}

}  // namespace
}  // namespace kiln
