#include "runtime/png_image.h"

#include <png.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {
namespace {

absl::Status Unreadable(const std::string& path, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat(path, ": ", problem));
}

// libpng's simplified interface, which reports errors by return values instead
// of longjmp. Freed on every path.
class PngFile {
 public:
  PngFile() {
    std::memset(&image_, 0, sizeof image_);
    image_.version = PNG_IMAGE_VERSION;
  }
  ~PngFile() { png_image_free(&image_); }
  PngFile(const PngFile&) = delete;
  PngFile& operator=(const PngFile&) = delete;

  bool ReadHeader(FILE* file) {
    return png_image_begin_read_from_stdio(&image_, file) != 0;
  }
  // REQUIRES: pixels has four bytes for each pixel.
  bool ReadPixels(uint8_t* pixels) {
    image_.format = PNG_FORMAT_RGBA;
    // 16 bits without a gamma are sRGB like 8 bits, not linear.
    image_.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    return png_image_finish_read(&image_, nullptr, pixels, 0, nullptr) != 0;
  }
  int64_t width() const { return image_.width; }
  int64_t height() const { return image_.height; }
  absl::string_view message() const { return image_.message; }

 private:
  png_image image_;
};

// Pixels of a field and of the picture meet on a common grid: along an axis of
// `size` pixels and `fields` fields, a pixel is `fields` long and a field
// `size`. Calls use(pixel, length) for the pixels under the field.
template <typename Use>
void Overlaps(int64_t field, int64_t size, int64_t fields, const Use& use) {
  const int64_t begin = field * size, end = begin + size;
  for (int64_t pixel = begin / fields; pixel * fields < end; ++pixel) {
    use(pixel,
        std::min((pixel + 1) * fields, end) - std::max(pixel * fields, begin));
  }
}

}  // namespace

absl::StatusOr<GrayImage> ReadPng(const std::string& path, bool invert) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"),
                                             std::fclose);
  if (file == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        path, ": cannot be opened (", strerror(errno), "); check the path"));
  }
  PngFile png;
  if (!png.ReadHeader(file.get())) {
    return Unreadable(
        path, absl::StrCat("is no PNG that can be read (", png.message(),
                           "); convert it to one"));
  }
  GrayImage image{.width = png.width(), .height = png.height(), .pixels = {}};
  if (image.height > kMaxPicturePixels / image.width) {
    return Unreadable(path, absl::StrCat("has ", image.width, " x ",
                                         image.height, " pixels, more than ",
                                         kMaxPicturePixels, "; scale it down"));
  }
  image.pixels.resize(image.width * image.height);
  std::vector<uint8_t> rgba(4 * image.pixels.size());
  if (!png.ReadPixels(rgba.data())) {
    return Unreadable(
        path, absl::StrCat("is damaged or cut short (", png.message(), ")"));
  }
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const uint8_t* p = &rgba[4 * i];
    const uint32_t gray = 299 * p[0] + 587 * p[1] + 114 * p[2];
    image.pixels[i] = (invert ? 1000 * 255 - gray : gray) * p[3];
  }
  return image;
}

std::vector<double> AreaAverage(const GrayImage& image, int64_t height,
                                int64_t width) {
  // Each field's sum is at most kMaxBrightness (2^26) times the picture's
  // pixels (2^25): exact in 64 bits.
  const double white = static_cast<double>(GrayImage::kMaxBrightness) *
                       static_cast<double>(image.width * image.height);
  std::vector<double> means;
  means.reserve(height * width);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      uint64_t sum = 0;
      Overlaps(y, image.height, height, [&](int64_t row, int64_t rows) {
        const uint32_t* pixels = &image.pixels[row * image.width];
        Overlaps(x, image.width, width, [&](int64_t column, int64_t columns) {
          sum += static_cast<uint64_t>(pixels[column]) * rows * columns;
        });
      });
      means.push_back(static_cast<double>(sum) / white);
    }
  }
  return means;
}

}  // namespace runtime
}  // namespace kiln
