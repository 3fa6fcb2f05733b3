#include "generators/schedule.h"

#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr int kAvx512Registers = 32;
constexpr int kAvx2Registers = 16;

TEST(ScheduleTest, TilesFitTheRegisters) {
  for (int registers : {kAvx2Registers, kAvx512Registers}) {
    for (int vectors = 1; vectors < 40; ++vectors) {
      for (int channels = 1; channels < 40; ++channels) {
        const Tile tile =
            ChooseTile({.vectors = vectors, .channels = channels}, registers);
        EXPECT_LE(tile.vectors * tile.channels + tile.vectors + 1, registers);
        EXPECT_LE(tile.vectors, vectors);
        EXPECT_LE(tile.channels, channels);
        EXPECT_GE(tile.vectors * tile.channels, 1);
      }
    }
  }
}

TEST(ScheduleTest, ExactTilesDivideTheirExtents) {
  for (int vectors = 1; vectors < 40; ++vectors) {
    for (int channels = 1; channels < 40; ++channels) {
      const Tile tile = ChooseTile({.vectors = vectors,
                                    .channels = channels,
                                    .exact_vectors = true,
                                    .exact_channels = true},
                                   kAvx512Registers);
      EXPECT_EQ(vectors % tile.vectors, 0);
      EXPECT_EQ(channels % tile.channels, 0);
    }
  }
}

// lenet5's second convolution: 10 columns of 16 channels, no rest either way.
TEST(ScheduleTest, TileCoversLenet5Conv2WithoutRest) {
  const Tile tile =
      ChooseTile({.vectors = 10, .channels = 16}, kAvx512Registers);
  EXPECT_EQ(10 % tile.vectors, 0);
  EXPECT_EQ(16 % tile.channels, 0);
  EXPECT_GE(tile.vectors * tile.channels, 16);
}

TEST(ScheduleTest, Divisors) {
  EXPECT_EQ(LargestDivisor(12, 5), 4);
  EXPECT_EQ(LargestDivisor(7, 5), 1);
  EXPECT_EQ(LargestDivisor(7, 7), 7);
  EXPECT_EQ(VectorDivisor(120, 16), 8);
  EXPECT_EQ(VectorDivisor(400, 16), 16);
  EXPECT_EQ(VectorDivisor(5, 16), 1);
}

TEST(ScheduleTest, LanesAreSamplesWhereABlockFillsVectors) {
  for (int block : {16, 32, 64}) {
    const ImageLanes lanes = LanesOf(block, 10, 1, 16);
    EXPECT_FALSE(lanes.fused);
    EXPECT_EQ(lanes.vector, 16);
    EXPECT_EQ(lanes.count, 10);
  }
}

TEST(ScheduleTest, SmallBlocksShareAVectorBetweenColumns) {
  const ImageLanes lanes = LanesOf(8, 10, 1, 16);
  EXPECT_TRUE(lanes.fused);
  EXPECT_EQ(lanes.vector, 16);
  EXPECT_EQ(lanes.count, 5);
  EXPECT_FALSE(LanesOf(8, 10, 2, 16).fused) << "a stride breaks dense loads";
}

// A reduction over a row counts every position once: lanes divide the row.
TEST(ScheduleTest, RowLanesDivideTheRow) {
  for (int block : {1, 2, 3, 4, 5, 8, 12, 16, 24, 64}) {
    for (int width = 1; width < 34; ++width) {
      for (int stride : {1, 2}) {
        const int lanes = RowLanes(block, width, stride, 16);
        EXPECT_EQ(block * width % lanes, 0) << block << " " << width;
        EXPECT_TRUE(lanes % block == 0 || block % lanes == 0)
            << block << " " << width;
      }
    }
  }
}

}  // namespace
}  // namespace kiln
