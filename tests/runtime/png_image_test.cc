#include "runtime/png_image.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/random.h"
#include "tests/support/png_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

constexpr uint32_t kByte = 255000;  // the brightness of one step of a byte

class PngImageTest : public testing::Test {
 protected:
  absl::StatusOr<GrayImage> Read(const std::string& bytes,
                                 bool invert = false) {
    WriteBytes(path_, bytes);
    return ReadPng(path_, invert);
  }

  // The brightness of each pixel, whose bytes are `stored`.
  std::vector<uint32_t> Pixels(int width, int height,
                               const std::vector<uint8_t>& stored,
                               const PngSettings& settings,
                               bool invert = false) {
    const auto image = Read(PngBytes(width, height, stored, settings), invert);
    EXPECT_TRUE(image.ok()) << image.status();
    if (!image.ok()) return {};
    EXPECT_EQ(image->width, width);
    EXPECT_EQ(image->height, height);
    return image->pixels;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "picture.png";
};

TEST_F(PngImageTest, GrayIsItself) {
  EXPECT_THAT(
      Pixels(3, 2, {0, 1, 2, 253, 254, 255}, {}),
      ElementsAre(0, kByte, 2 * kByte, 253 * kByte, 254 * kByte, 255 * kByte));
  EXPECT_EQ(255 * kByte, GrayImage::kMaxBrightness);
  EXPECT_THAT(Pixels(3, 1, {0, 1, 255}, {}, /*invert=*/true),
              ElementsAre(255 * kByte, 254 * kByte, 0));
}

TEST_F(PngImageTest, FewBitsAreSpreadOverTheRange) {
  EXPECT_THAT(Pixels(4, 1, {0b01010000}, {.bits = 1}),
              ElementsAre(0, 255 * kByte, 0, 255 * kByte));
  EXPECT_THAT(Pixels(4, 1, {0b00011011}, {.bits = 2}),
              ElementsAre(0, 85 * kByte, 170 * kByte, 255 * kByte));
  EXPECT_THAT(Pixels(2, 1, {0x1f}, {.bits = 4}),
              ElementsAre(17 * kByte, 255 * kByte));
}

TEST_F(PngImageTest, SixteenBitsAreScaledToEight) {
  EXPECT_THAT(Pixels(3, 1, {0, 0, 0x80, 0x80, 0xff, 0xff}, {.bits = 16}),
              ElementsAre(0, 128 * kByte, 255 * kByte));
}

TEST_F(PngImageTest, ColoursAreWeighted) {
  EXPECT_THAT(Pixels(4, 1, {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9},
                     {.color = PNG_COLOR_TYPE_RGB}),
              ElementsAre(299 * 255 * 255, 587 * 255 * 255, 114 * 255 * 255,
                          9 * kByte));
}

TEST_F(PngImageTest, TransparentPartsAreZero) {
  const std::vector<uint8_t> stored = {200, 255, 200, 0, 200, 51};
  const PngSettings settings = {.color = PNG_COLOR_TYPE_GRAY_ALPHA};
  EXPECT_THAT(Pixels(3, 1, stored, settings),
              ElementsAre(200 * kByte, 0, 200 * 51 * 1000));
  EXPECT_THAT(Pixels(3, 1, stored, settings, /*invert=*/true),
              ElementsAre(55 * kByte, 0, 55 * 51 * 1000));
  EXPECT_THAT(
      Pixels(1, 1, {255, 255, 255, 51}, {.color = PNG_COLOR_TYPE_RGB_ALPHA}),
      ElementsAre(51 * kByte));
}

TEST_F(PngImageTest, PalettesAreLookedUp) {
  PngSettings settings = {.bits = 2,
                          .color = PNG_COLOR_TYPE_PALETTE,
                          .palette = {{10, 10, 10}, {255, 0, 0}, {99, 99, 99}}};
  EXPECT_THAT(Pixels(3, 1, {0b10000100}, settings),
              ElementsAre(99 * kByte, 10 * kByte, 299 * 255 * 255));
  settings.palette_alpha = {255, 255, 0};
  EXPECT_THAT(Pixels(3, 1, {0b10000100}, settings),
              ElementsAre(0, 10 * kByte, 299 * 255 * 255));
}

TEST_F(PngImageTest, InterlacedIsTheSamePicture) {
  std::vector<uint8_t> stored;
  for (int i = 0; i < 13 * 11; ++i) stored.push_back(i);
  EXPECT_EQ(Pixels(13, 11, stored, {.interlaced = true}),
            Pixels(13, 11, stored, {}));
}

TEST_F(PngImageTest, NamesAFileThatIsNoPicture) {
  EXPECT_TRUE(IsOneLineError(ReadPng(directory_ / "none.png", false),
                             {directory_ / "none.png: cannot be opened"}));
  EXPECT_TRUE(IsOneLineError(ReadPng(directory_.path(), false),
                             {directory_.path(), "is no PNG"}));
  for (const std::string bytes : {"", "\x89PNG", "JFIF, perhaps"}) {
    EXPECT_TRUE(IsOneLineError(
        Read(bytes), {path_ + ": is no PNG that can be read (", "convert it"}));
  }
}

// Sets the width and height in a PNG's header, with its checksum.
std::string WithSize(std::string bytes, uint32_t width, uint32_t height) {
  const auto put = [&bytes](size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i) {
      bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
    }
  };
  put(16, width);
  put(20, height);
  uint32_t crc = 0xffffffff;
  for (size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  put(29, ~crc);
  return bytes;
}

TEST_F(PngImageTest, BelievesNoHeaderThatClaimsTooMuch) {
  const std::string small = PngBytes(1, 1, {0});
  ASSERT_EQ(WithSize(small, 1, 1), small);
  EXPECT_TRUE(IsOneLineError(
      Read(WithSize(small, 8193, 4096)),
      {path_ + ": has 8193 x 4096 pixels, more than 33554432; scale it down"}));
  EXPECT_TRUE(
      IsOneLineError(Read(WithSize(small, 0x7fffffff, 0x7fffffff)), {path_}));
  EXPECT_TRUE(IsOneLineError(Read(WithSize(small, 0, 5)), {path_}));
  // Within the limit, but not there.
  EXPECT_TRUE(IsOneLineError(Read(WithSize(small, 1000, 1000)),
                             {path_ + ": is damaged or cut short ("}));
}

TEST_F(PngImageTest, DamagedFilesAreRefused) {
  std::vector<uint8_t> stored;
  for (int i = 0; i < 16 * 16; ++i) stored.push_back(i * 37 % 256);
  for (const bool interlaced : {false, true}) {
    const std::string whole =
        PngBytes(16, 16, stored, {.interlaced = interlaced});
    ASSERT_TRUE(Read(whole).ok());
    // Up to the 12 bytes of the end chunk, which say nothing.
    for (size_t length = 0; length + 12 < whole.size(); ++length) {
      EXPECT_TRUE(IsOneLineError(Read(whole.substr(0, length)), {path_}))
          << length;
    }
    // A flipped bit in the header or in the pixels is found by the checksums.
    const size_t pixels_end = whole.size() - 12;
    for (size_t at = 0; at < pixels_end; ++at) {
      std::string mutant = whole;
      mutant[at] ^= 1 << (at % 8);
      const auto read = Read(mutant);
      if (read.ok()) {
        // Only where a chunk's name became that of one to skip.
        ADD_FAILURE() << "byte " << at;
      } else {
        EXPECT_TRUE(IsOneLineError(read, {path_}));
      }
    }
  }
}

TEST_F(PngImageTest, RandomBytesAreRefused) {
  const std::string whole = PngBytes(4, 4, std::vector<uint8_t>(16, 128));
  Random random(1);
  int refused = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::string mutant = whole;
    // Keep the signature, so that more than its check is reached.
    for (int i = random.Below(4); i >= 0; --i) {
      mutant[8 + random.Below(static_cast<uint32_t>(mutant.size()) - 8)] =
          static_cast<char>(random.Bits());
    }
    const auto read = Read(mutant);
    if (!read.ok()) {
      ++refused;
      EXPECT_TRUE(IsOneLineError(read, {path_}));
    } else {
      EXPECT_EQ(read->pixels.size(),
                static_cast<size_t>(read->width * read->height));
    }
  }
  EXPECT_GT(refused, 1000);
}

// A picture of bytes, in AreaAverage's brightness.
GrayImage Image(int64_t width, int64_t height, std::vector<uint32_t> bytes) {
  for (uint32_t& byte : bytes) byte *= kByte;
  return {.width = width, .height = height, .pixels = std::move(bytes)};
}

TEST(AreaAverageTest, OfTheSameSizeIsThePicture) {
  EXPECT_THAT(AreaAverage(Image(2, 2, {0, 51, 102, 255}), 2, 2),
              ElementsAre(0, 51 / 255.0, 102 / 255.0, 1));
}

TEST(AreaAverageTest, WholeFieldsAreMeans) {
  EXPECT_THAT(AreaAverage(Image(4, 2,
                                {0, 255, 51, 51,  //
                                 0, 255, 0, 0}),
                          1, 2),
              ElementsAre(0.5, 0.1));
}

TEST(AreaAverageTest, BordersCountByTheirShare) {
  // Fields of 1.5 pixels: (a + b / 2) / 1.5 and (b / 2 + c) / 1.5.
  EXPECT_THAT(AreaAverage(Image(3, 1, {255, 0, 0}), 1, 2),
              ElementsAre(2 / 3.0, 0));
  EXPECT_THAT(AreaAverage(Image(1, 3, {0, 255, 0}), 2, 1),
              ElementsAre(1 / 3.0, 1 / 3.0));
}

TEST(AreaAverageTest, ScalesUpToo) {
  EXPECT_THAT(AreaAverage(Image(2, 1, {0, 255}), 1, 3), ElementsAre(0, 0.5, 1));
  EXPECT_THAT(AreaAverage(Image(1, 1, {51}), 2, 2),
              ElementsAre(0.2, 0.2, 0.2, 0.2));
}

TEST(AreaAverageTest, KeepsTheMean) {
  Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const int64_t width = 1 + random.Below(40), height = 1 + random.Below(40);
    std::vector<uint32_t> bytes(width * height);
    double mean = 0;
    for (uint32_t& byte : bytes) {
      byte = random.Below(256);
      mean += byte / 255.0 / static_cast<double>(bytes.size());
    }
    const int64_t fields_y = 1 + random.Below(40);
    const int64_t fields_x = 1 + random.Below(40);
    const std::vector<double> fields =
        AreaAverage(Image(width, height, bytes), fields_y, fields_x);
    ASSERT_EQ(static_cast<int64_t>(fields.size()), fields_y * fields_x);
    double field_mean = 0;
    for (const double field : fields) {
      field_mean += field / static_cast<double>(fields.size());
    }
    EXPECT_NEAR(field_mean, mean, 1e-12);
  }
}

}  // namespace
}  // namespace kiln
