#include "runtime/convolution_matrix.h"

namespace kiln {
inline namespace runtime {

SparseMatrix ConvolutionMatrix(const ConvolutionSpec& c,
                               absl::Span<const float> weight) {
  const int64_t channels = c.input_shape[0], height = c.input_shape[1],
                width = c.input_shape[2];
  const int64_t kernel_height = c.kernel[0], kernel_width = c.kernel[1];
  const int64_t out_height =
      (height + 2 * c.padding[0] - kernel_height) / c.stride[0] + 1;
  const int64_t out_width =
      (width + 2 * c.padding[1] - kernel_width) / c.stride[1] + 1;
  const int64_t taps = channels * kernel_height * kernel_width;
  const int64_t filters = static_cast<int64_t>(weight.size()) / taps;
  SparseMatrix matrix{.rows = filters * out_height * out_width,
                      .columns = channels * height * width,
                      .entries = {}};
  for (int64_t row = 0; row < matrix.rows; ++row) {
    const int64_t filter = row / (out_height * out_width),
                  y = row / out_width % out_height, x = row % out_width;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t channel = tap / (kernel_height * kernel_width);
      const int64_t from_y =
          y * c.stride[0] - c.padding[0] + tap / kernel_width % kernel_height;
      const int64_t from_x =
          x * c.stride[1] - c.padding[1] + tap % kernel_width;
      const bool is_inside =
          from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
      if (!is_inside) continue;
      matrix.entries.push_back({row,
                                (channel * height + from_y) * width + from_x,
                                weight[filter * taps + tap]});
    }
  }
  return matrix;
}

}  // namespace runtime
}  // namespace kiln
