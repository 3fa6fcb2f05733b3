#include <cmath>
#include <vector>

#include "dsl/ops/conv2d.h"
#include "gtest/gtest.h"
#include "tests/ops/conv2d_winograd_reference.h"
#include "tests/ops/references.h"
#include "tests/ops/window_loop.h"

namespace kiln {
namespace {

// Where a convolution's planes begin: both gradients are written as the forward
// loop run backwards, multiply-add by multiply-add, so that their indices are
// the forward ones.
struct Planes {
  int64_t input;   // c * H * W
  int64_t kernel;  // (k * C + c) * kh * kw
  int64_t output;  // k * H' * W'
};

template <typename Visit>
void ForEachPlane(const Shape& input, const Shape& weight, const Shape& output,
                  Visit visit) {
  for (int64_t k = 0; k < weight[0]; ++k) {
    for (int64_t c = 0; c < weight[1]; ++c) {
      visit(Planes{c * input[1] * input[2],
                   (k * weight[1] + c) * weight[2] * weight[3],
                   k * output[1] * output[2]});
    }
  }
}

// Bounds that hold whichever of the two computes it.
using ByWinograd = void (*)(const ReferenceCall<Rounded>& call, Rounded* out);

void AllowWinograd(const ReferenceCall<double>&, const Conv2dGeometry&,
                   const Shape&, ByWinograd) {}
void AllowWinograd(const ReferenceCall<Rounded>& call,
                   const Conv2dGeometry& geometry, const Shape& output,
                   ByWinograd compute) {
  if (!MayBeWinograd(geometry, output)) return;
  std::vector<Rounded> other(
      call.OutSize() * (call.node.type.per_sample ? call.batch() : 1), 0);
  compute(call, other.data());
  for (size_t i = 0; i < other.size(); ++i) {
    Rounded& value = call.output[i];
    // The same but for double's rounding, 2^-29 of float32's.
    EXPECT_FALSE(std::abs(other[i].value() - value.value()) >
                 1e-6 * other[i].worst_error())
        << call.node.name << "[" << i << "] is " << value.value() << ", not "
        << other[i].value();
    value = EitherWay(value, other[i]);
  }
}

}  // namespace

template <typename T>
void Conv2dReference(const ReferenceCall<T>& call) {
  const auto& geometry = call.template OpAs<Conv2dOp>().geometry();
  const int64_t area = call.OutShape()[1] * call.OutShape()[2];
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T *in = call.In(0, n), *weight = call.In(1, n);
    T* out = call.Out(n);
    if (call.inputs.size() > 2) {
      for (int64_t i = 0; i < call.OutSize(); ++i)
        out[i] = call.In(2, n)[i / area];
    }
    ForEachPlane(call.InShape(0), call.InShape(1), call.OutShape(),
                 [&](const Planes& p) {
                   ForEachTap(geometry, call.InShape(0), call.OutShape(),
                              [&](const WindowTap& tap) {
                                out[p.output + tap.output] +=
                                    weight[p.kernel + tap.kernel] *
                                    in[p.input + tap.input];
                              });
                 });
  }
  AllowWinograd(call, geometry, call.OutShape(), Conv2dByWinograd);
}

template <typename T>
void Conv2dInputGradReference(const ReferenceCall<T>& call) {
  const auto& geometry = call.template OpAs<Conv2dInputGradOp>().geometry();
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T *d_out = call.In(0, n), *weight = call.In(1, n);
    T* d_in = call.Out(n);
    ForEachPlane(call.OutShape(), call.InShape(1), call.InShape(0),
                 [&](const Planes& p) {
                   ForEachTap(geometry, call.OutShape(), call.InShape(0),
                              [&](const WindowTap& tap) {
                                d_in[p.input + tap.input] +=
                                    weight[p.kernel + tap.kernel] *
                                    d_out[p.output + tap.output];
                              });
                 });
  }
  AllowWinograd(call, geometry, call.InShape(0), Conv2dInputGradByWinograd);
}

template <typename T>
void Conv2dWeightGradReference(const ReferenceCall<T>& call) {
  const auto& geometry = call.template OpAs<Conv2dWeightGradOp>().geometry();
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T *in = call.In(0, n), *d_out = call.In(1, n);
    T* d_weight = call.Out(n);
    ForEachPlane(call.InShape(0), call.OutShape(), call.InShape(1),
                 [&](const Planes& p) {
                   ForEachTap(geometry, call.InShape(0), call.InShape(1),
                              [&](const WindowTap& tap) {
                                d_weight[p.kernel + tap.kernel] +=
                                    d_out[p.output + tap.output] *
                                    in[p.input + tap.input];
                              });
                 });
  }
  AllowWinograd(call, geometry, call.InShape(1), Conv2dWeightGradByWinograd);
}

KILN_INSTANTIATE_REFERENCE(Conv2dReference)
KILN_INSTANTIATE_REFERENCE(Conv2dInputGradReference)
KILN_INSTANTIATE_REFERENCE(Conv2dWeightGradReference)

}  // namespace kiln
