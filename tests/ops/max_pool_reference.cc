#include <cmath>

#include "dsl/ops/max_pool.h"
#include "tests/ops/references.h"
#include "tests/ops/window_loop.h"

namespace kiln {
namespace {

// The first maximum of every window of one channel, in row-major order; a NaN
// is larger than all, as in PyTorch.
struct Maximum {
  double value = -INFINITY;
  int64_t place = -1;  // in the window
};

std::vector<Maximum> Maxima(const PoolGeometry& geometry, const Shape& in_shape,
                            const Shape& out_shape, const double* in) {
  std::vector<Maximum> maxima(out_shape[1] * out_shape[2]);
  ForEachTap(geometry, in_shape, out_shape, [&](const WindowTap& tap) {
    Maximum& best = maxima[tap.output];
    const double value = in[tap.input];
    if (best.place < 0 || value > best.value || std::isnan(value))
      best = {value, tap.kernel};
  });
  return maxima;
}

template <typename Store>
void ForEachMaximum(const ReferenceCall& call, const PoolGeometry& geometry,
                    Store store) {
  const Shape &in = call.InShape(0), &out = call.OutShape();
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t c = 0; c < out[0]; ++c) {
      const std::vector<Maximum> maxima =
          Maxima(geometry, in, out, call.In(0, n) + c * in[1] * in[2]);
      for (size_t i = 0; i < maxima.size(); ++i)
        call.Out(n)[c * out[1] * out[2] + i] = store(maxima[i]);
    }
  }
}

}  // namespace

void MaxPoolReference(const ReferenceCall& call) {
  ForEachMaximum(call, call.OpAs<MaxPoolOp>().geometry(),
                 [](const Maximum& m) { return m.value; });
}

void MaxPoolIndexReference(const ReferenceCall& call) {
  ForEachMaximum(call, call.OpAs<MaxPoolIndexOp>().geometry(),
                 [](const Maximum& m) { return m.place; });
}

void MaxPoolGradReference(const ReferenceCall& call) {
  const auto& geometry = call.OpAs<MaxPoolGradOp>().geometry();
  const Shape &pooled = call.InShape(0), &image = call.OutShape();
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t c = 0; c < image[0]; ++c) {
      const double* index = call.In(0, n) + c * pooled[1] * pooled[2];
      const double* d_out = call.In(1, n) + c * pooled[1] * pooled[2];
      double* d_in = call.Out(n) + c * image[1] * image[2];
      ForEachTap(geometry, image, pooled, [&](const WindowTap& tap) {
        if (static_cast<int64_t>(index[tap.output]) == tap.kernel)
          d_in[tap.input] += d_out[tap.output];
      });
    }
  }
}

}  // namespace kiln
