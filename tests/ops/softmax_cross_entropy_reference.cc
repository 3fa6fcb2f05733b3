#include <cmath>
#include <vector>

#include "dsl/ops/softmax_cross_entropy.h"
#include "tests/ops/references.h"

namespace kiln {
namespace {

// e^(z_k - m) with m the largest logit, so that nothing overflows, and their
// sum.
template <typename T>
struct Softmax {
  T largest;
  std::vector<T> exponentials;
  T total = 0.0;
};

template <typename T>
Softmax<T> SoftmaxOf(const T* z, int64_t count) {
  Softmax<T> s{z[0], {}};
  for (int64_t k = 1; k < count; ++k) s.largest = Larger(z[k], s.largest);
  for (int64_t k = 0; k < count; ++k) {
    s.exponentials.push_back(Exponential(z[k] - s.largest));
    s.total += s.exponentials.back();
  }
  return s;
}

template <typename T>
int64_t LabelOf(const ReferenceCall<T>& call, int64_t n) {
  return static_cast<int64_t>(ValueOf(*call.In(1, n)));
}

}  // namespace

template <typename T>
void SoftmaxCrossEntropyReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T* z = call.In(0, n);
    const Softmax<T> s = SoftmaxOf(z, call.InSize(0));
    *call.Out(n) = Logarithm(s.total) - (z[LabelOf(call, n)] - s.largest);
  }
}

template <typename T>
void SoftmaxCrossEntropyGradReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    const Softmax<T> s = SoftmaxOf(call.In(0, n), call.InSize(0));
    for (int64_t k = 0; k < call.InSize(0); ++k) {
      const T target = k == LabelOf(call, n) ? 1.0 : 0.0;
      call.Out(n)[k] = (s.exponentials[k] / s.total - target) * *call.In(2, n);
    }
  }
}

template <typename T>
void AccuracyReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T* z = call.In(0, n);
    const int64_t label = LabelOf(call, n);
    // Right if no class is larger, and none before it as large.
    T right =
        std::isnan(ValueOf(z[0])) || std::isnan(ValueOf(z[label])) ? 0.0 : 1.0;
    for (int64_t k = 0; k < call.InSize(0); ++k) {
      if (k == label) continue;
      const double other = ValueOf(z[k]), own = ValueOf(z[label]);
      if (k < label ? other >= own : other > own) right = 0.0;
      right = Decided(right, z[k], z[label], 1);
    }
    *call.Out(n) = right;
  }
}

KILN_INSTANTIATE_REFERENCE(SoftmaxCrossEntropyReference)
KILN_INSTANTIATE_REFERENCE(SoftmaxCrossEntropyGradReference)
KILN_INSTANTIATE_REFERENCE(AccuracyReference)

}  // namespace kiln
