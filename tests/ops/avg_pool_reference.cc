#include "dsl/ops/avg_pool.h"
#include "tests/ops/references.h"
#include "tests/ops/window_loop.h"

namespace kiln {

template <typename T>
void AvgPoolReference(const ReferenceCall<T>& call) {
  const auto& geometry = call.template OpAs<AvgPoolOp>().geometry();
  const Shape &in = call.InShape(0), &out = call.OutShape();
  const T area =
      static_cast<double>(geometry.kernel.height * geometry.kernel.width);
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t c = 0; c < out[0]; ++c) {
      ForEachTap(geometry, in, out, [&](const WindowTap& tap) {
        call.Out(n)[c * out[1] * out[2] + tap.output] +=
            call.In(0, n)[c * in[1] * in[2] + tap.input] / area;
      });
    }
  }
}

template <typename T>
void AvgPoolGradReference(const ReferenceCall<T>& call) {
  const auto& geometry = call.template OpAs<AvgPoolGradOp>().geometry();
  const Shape &pooled = call.InShape(0), &image = call.OutShape();
  const T area =
      static_cast<double>(geometry.kernel.height * geometry.kernel.width);
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t c = 0; c < image[0]; ++c) {
      ForEachTap(geometry, image, pooled, [&](const WindowTap& tap) {
        call.Out(n)[c * image[1] * image[2] + tap.input] +=
            call.In(0, n)[c * pooled[1] * pooled[2] + tap.output] / area;
      });
    }
  }
}

KILN_INSTANTIATE_REFERENCE(AvgPoolReference)
KILN_INSTANTIATE_REFERENCE(AvgPoolGradReference)

}  // namespace kiln
