#include <cmath>

#include "dsl/ops/max_pool.h"
#include "tests/ops/references.h"
#include "tests/ops/window_loop.h"

namespace kiln {
namespace {

// The first maximum of every window of one channel, in row-major order; a NaN
// is larger than all, as in PyTorch.
template <typename T>
struct Maximum {
  T value = -INFINITY;
  T place = -1.0;  // in the window
};

template <typename T>
std::vector<Maximum<T>> Maxima(const PoolGeometry& geometry,
                               const Shape& in_shape, const Shape& out_shape,
                               const T* in) {
  std::vector<Maximum<T>> maxima(out_shape[1] * out_shape[2]);
  ForEachTap(geometry, in_shape, out_shape, [&](const WindowTap& tap) {
    Maximum<T>& best = maxima[tap.output];
    const T value = in[tap.input];
    const T place = static_cast<double>(tap.kernel);
    const double challenger = ValueOf(value);
    if (ValueOf(best.place) < 0 || std::isnan(challenger)) {
      best = {value, place};
      return;
    }
    // Which of two places is meant is off by up to a whole window.
    const double window =
        static_cast<double>(geometry.kernel.height * geometry.kernel.width);
    const bool wins = challenger > ValueOf(best.value);
    best.place = Decided(wins ? place : best.place, value, best.value, window);
    best.value = Larger(best.value, value);
  });
  return maxima;
}

template <typename T, typename Store>
void ForEachMaximum(const ReferenceCall<T>& call, const PoolGeometry& geometry,
                    Store store) {
  const Shape &in = call.InShape(0), &out = call.OutShape();
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t c = 0; c < out[0]; ++c) {
      const std::vector<Maximum<T>> maxima =
          Maxima(geometry, in, out, call.In(0, n) + c * in[1] * in[2]);
      for (size_t i = 0; i < maxima.size(); ++i)
        call.Out(n)[c * out[1] * out[2] + i] = store(maxima[i]);
    }
  }
}

}  // namespace

template <typename T>
void MaxPoolReference(const ReferenceCall<T>& call) {
  ForEachMaximum(call, call.template OpAs<MaxPoolOp>().geometry(),
                 [](const Maximum<T>& m) { return m.value; });
}

template <typename T>
void MaxPoolIndexReference(const ReferenceCall<T>& call) {
  ForEachMaximum(call, call.template OpAs<MaxPoolIndexOp>().geometry(),
                 [](const Maximum<T>& m) { return m.place; });
}

template <typename T>
void MaxPoolGradReference(const ReferenceCall<T>& call) {
  const auto& geometry = call.template OpAs<MaxPoolGradOp>().geometry();
  const Shape &pooled = call.InShape(0), &image = call.OutShape();
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t c = 0; c < image[0]; ++c) {
      const T* index = call.In(0, n) + c * pooled[1] * pooled[2];
      const T* d_out = call.In(1, n) + c * pooled[1] * pooled[2];
      T* d_in = call.Out(n) + c * image[1] * image[2];
      ForEachTap(geometry, image, pooled, [&](const WindowTap& tap) {
        d_in[tap.input] +=
            WhereIndex(index[tap.output], tap.kernel, d_out[tap.output]);
      });
    }
  }
}

KILN_INSTANTIATE_REFERENCE(MaxPoolReference)
KILN_INSTANTIATE_REFERENCE(MaxPoolIndexReference)
KILN_INSTANTIATE_REFERENCE(MaxPoolGradReference)

}  // namespace kiln
