#ifndef KILN_RUNTIME_PNG_IMAGE_H_
#define KILN_RUNTIME_PNG_IMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kiln {
inline namespace runtime {

// A picture in shades of grey. A brightness is a whole number from 0, black, to
// kMaxBrightness, white, so that what is made of it is exact.
struct GrayImage {
  // 1000 parts of colour times 255 values times 255 of opacity.
  static constexpr uint64_t kMaxBrightness = 1000 * 255 * 255;

  int64_t width = 0, height = 0;
  std::vector<uint32_t> pixels;  // row-major
};

// No more pixels are read of one picture.
inline constexpr int64_t kMaxPicturePixels = 1 << 25;

// Reads a PNG of any kind: grey, colour or palette, 1 to 16 bits, interlaced or
// not, with or without transparency. Colours become 0.299 R + 0.587 G + 0.114 B
// of their 8 upper bits. `invert` makes dark bright and bright dark.
// Transparent parts are then 0, in between by their opacity. NotFound when it
// cannot be opened; DataLoss, in one line that names the file, when it is no
// PNG, damaged, cut short, or larger than kMaxPicturePixels, which is known
// before memory is taken for it.
absl::StatusOr<GrayImage> ReadPng(const std::string& path, bool invert);

// The mean brightness, from 0 to 1, of each of height x width equal fields of
// the picture, row-major: scaled down, or up, without regard to its aspect.
// Pixels on the border between fields count in each by their share.
// REQUIRES: the picture has pixels; height and width are from 1 to 2^15.
std::vector<double> AreaAverage(const GrayImage& image, int64_t height,
                                int64_t width);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PNG_IMAGE_H_
