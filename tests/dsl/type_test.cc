#include "dsl/type.h"

#include <limits>

#include "dsl/window.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

TEST(TypeTest, PrintsTypes) {
  EXPECT_EQ(TypeString({{6, 28, 28}, DType::kFloat32, true}),
            "6x28x28 per sample");
  EXPECT_EQ(TypeString({{}, DType::kInt32, true}), "int32 scalar per sample");
  EXPECT_EQ(TypeString({{6, 1, 5, 5}, DType::kFloat32, false}), "6x1x5x5");
  EXPECT_EQ(SizeString({2, 3}), "2x3");
}

TEST(TypeTest, CountsElements) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({2, 3, 4}), 24);
}

TEST(TypeTest, RefusesEmptyAndHugeShapes) {
  EXPECT_TRUE(CheckShape({}).ok());
  EXPECT_TRUE(CheckShape({int64_t{1} << 40}).ok());
  EXPECT_TRUE(
      IsOneLineError(CheckShape({3, 0}), {"shape 3x0 has an extent below 1"}));
  EXPECT_TRUE(
      IsOneLineError(CheckShape({-2}), {"shape -2 has an extent below 1"}));
  EXPECT_TRUE(
      IsOneLineError(CheckShape({int64_t{1} << 20, (int64_t{1} << 20) + 1}),
                     {"more than 2^40 elements"}));
  EXPECT_TRUE(
      IsOneLineError(CheckShape({std::numeric_limits<int64_t>::max(), 3}),
                     {"more than 2^40 elements"}));
  EXPECT_TRUE(IsOneLineError(CheckShape({std::numeric_limits<int64_t>::min()}),
                             {"below 1"}));
}

// Brute force: positions of a window that lie inside the padded extent.
int64_t CountedWindows(int64_t extent, int64_t kernel, int64_t stride,
                       int64_t padding) {
  int64_t count = 0;
  for (int64_t start = 0; start + kernel <= extent + 2 * padding;
       start += stride)
    ++count;
  return count;
}

TEST(WindowTest, OutputCountsTheWindowsThatFit) {
  for (int64_t extent = 1; extent <= 9; ++extent) {
    for (int64_t kernel = 1; kernel <= 6; ++kernel) {
      for (int64_t stride = 1; stride <= 4; ++stride) {
        for (int64_t padding = 0; padding <= 3; ++padding) {
          EXPECT_EQ(WindowOutput(extent, kernel, stride, padding),
                    CountedWindows(extent, kernel, stride, padding))
              << extent << " " << kernel << " " << stride << " " << padding;
        }
      }
    }
  }
}

TEST(WindowTest, HandCase5) {
  // A 4x4 convolution, stride 2, padding 2, on a picture of 1920x1080.
  const auto shape = WindowShape({3, 1080, 1920}, 4, 2, 2);
  ASSERT_TRUE(shape.ok());
  EXPECT_EQ(*shape, (Shape{3, 541, 961}));
}

TEST(WindowTest, HeightAndWidthAreNotMixedUp) {
  const auto shape = WindowShape({2, 10, 20}, {3, 4}, {1, 2}, {0, 1});
  ASSERT_TRUE(shape.ok());
  EXPECT_EQ(*shape, (Shape{2, 8, 10}));
}

TEST(WindowTest, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(IsOneLineError(WindowShape({1, 3, 3}, 5, 1, 0),
                             {"kernel 5x5 does not fit input 1x3x3"}));
  EXPECT_TRUE(IsOneLineError(WindowShape({1, 3, 9}, {5, 1}, 1, 0),
                             {"kernel 5x1 does not fit input 1x3x9"}));
  EXPECT_TRUE(IsOneLineError(WindowShape({1, 9, 3}, {1, 6}, 1, 1),
                             {"does not fit input 1x9x3 with padding 1x1"}));
  EXPECT_TRUE(
      IsOneLineError(WindowShape({1, 3, 3}, 0, 1, 0), {"must be 1 or more"}));
  EXPECT_TRUE(IsOneLineError(WindowShape({1, 3, 3}, 1, {1, 0}, 0),
                             {"stride 1x0 must be 1 or more"}));
  EXPECT_TRUE(IsOneLineError(WindowShape({1, 3, 3}, 1, 1, -1),
                             {"padding -1x-1 must be 0 or more"}));
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(WindowShape({1, 3, 3}, huge, 1, 0).ok());
  EXPECT_FALSE(WindowShape({1, 3, 3}, 1, huge, 0).ok());
  EXPECT_FALSE(WindowShape({1, 3, 3}, 1, 1, huge).ok());
}

}  // namespace
}  // namespace kiln
