#ifndef KILN_TESTS_SUPPORT_PNG_FILES_H_
#define KILN_TESTS_SUPPORT_PNG_FILES_H_

#include <png.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace kiln {

struct PngSettings {
  int bits = 8;
  int color = PNG_COLOR_TYPE_GRAY;
  bool interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<uint8_t> palette_alpha = {};
};

// The bytes of a PNG, its rows given as they are stored (16 bits: high byte
// first; several pixels a byte: leftmost in the highest bits).
inline std::string PngBytes(int width, int height,
                            const std::vector<uint8_t>& stored,
                            const PngSettings& settings = {}) {
  std::string bytes;
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp writer, png_bytep data, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(writer))
            ->append(reinterpret_cast<const char*>(data), size);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, width, height, settings.bits, settings.color,
               settings.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!settings.palette.empty()) {
    png_set_PLTE(png, info, settings.palette.data(),
                 static_cast<int>(settings.palette.size()));
  }
  if (!settings.palette_alpha.empty()) {
    png_set_tRNS(png, info, settings.palette_alpha.data(),
                 static_cast<int>(settings.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  EXPECT_EQ(stored.size(), row_bytes * height);
  std::vector<uint8_t> copy = stored;
  std::vector<png_bytep> rows;
  for (int y = 0; y < height; ++y) rows.push_back(&copy[y * row_bytes]);
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_PNG_FILES_H_
