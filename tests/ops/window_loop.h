// The loop that convolution and pooling references share.
#ifndef KILN_TESTS_OPS_WINDOW_LOOP_H_
#define KILN_TESTS_OPS_WINDOW_LOOP_H_

#include <cstdint>

#include "dsl/type.h"

namespace kiln {

// A place in an output plane, a place in the window over it, and the place in
// the input plane that they meet at.
struct WindowTap {
  int64_t output;  // y * output width + x
  int64_t kernel;  // r * kernel width + s
  int64_t input;   // (stride y + r - padding) * input width + (stride x + s -
                   // padding)
};

// Calls visit(tap) for every place of the window and every output position at
// which it lies inside the input, both in row-major order: an output sees its
// window in that order, and sums do not wait for one another. Shapes are
// {channels, height, width}.
template <typename Geometry, typename Visit>
void ForEachTap(const Geometry& g, const Shape& input, const Shape& output,
                Visit visit) {
  const int64_t in_height = input[1], in_width = input[2];
  const int64_t out_height = output[1], out_width = output[2];
  for (int64_t r = 0; r < g.kernel.height; ++r) {
    for (int64_t s = 0; s < g.kernel.width; ++s) {
      for (int64_t y = 0; y < out_height; ++y) {
        const int64_t in_y = g.stride.height * y + r - g.padding.height;
        if (in_y < 0 || in_y >= in_height) continue;
        for (int64_t x = 0; x < out_width; ++x) {
          const int64_t in_x = g.stride.width * x + s - g.padding.width;
          if (in_x < 0 || in_x >= in_width) continue;
          visit(WindowTap{y * out_width + x, r * g.kernel.width + s,
                          in_y * in_width + in_x});
        }
      }
    }
  }
}

}  // namespace kiln

#endif  // KILN_TESTS_OPS_WINDOW_LOOP_H_
