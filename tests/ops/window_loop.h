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

// Calls visit(tap) for every output position and every place of its window that
// lies inside the input, both in row-major order. Shapes are {channels, height,
// width}.
template <typename Geometry, typename Visit>
void ForEachTap(const Geometry& g, const Shape& input, const Shape& output,
                Visit visit) {
  for (int64_t y = 0; y < output[1]; ++y) {
    for (int64_t x = 0; x < output[2]; ++x) {
      for (int64_t r = 0; r < g.kernel.height; ++r) {
        for (int64_t s = 0; s < g.kernel.width; ++s) {
          const int64_t in_y = g.stride.height * y + r - g.padding.height;
          const int64_t in_x = g.stride.width * x + s - g.padding.width;
          if (in_y < 0 || in_y >= input[1] || in_x < 0 || in_x >= input[2])
            continue;
          visit(WindowTap{y * output[2] + x, r * g.kernel.width + s,
                          in_y * input[2] + in_x});
        }
      }
    }
  }
}

}  // namespace kiln

#endif  // KILN_TESTS_OPS_WINDOW_LOOP_H_
