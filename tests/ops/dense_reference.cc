#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void DenseReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t o = 0; o < call.OutSize(); ++o) {
      T sum = call.inputs.size() > 2 ? call.In(2, n)[o] : T(0.0);
      for (int64_t i = 0; i < call.InSize(0); ++i)
        sum += call.In(1, n)[o * call.InSize(0) + i] * call.In(0, n)[i];
      call.Out(n)[o] = sum;
    }
  }
}

template <typename T>
void DenseInputGradReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t o = 0; o < call.InSize(0); ++o) {
      for (int64_t i = 0; i < call.OutSize(); ++i) {
        call.Out(n)[i] +=
            call.In(0, n)[o] * call.In(1, n)[o * call.OutSize() + i];
      }
    }
  }
}

template <typename T>
void DenseWeightGradReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t o = 0; o < call.InSize(1); ++o) {
      for (int64_t i = 0; i < call.InSize(0); ++i) {
        call.Out(n)[o * call.InSize(0) + i] +=
            call.In(1, n)[o] * call.In(0, n)[i];
      }
    }
  }
}

KILN_INSTANTIATE_REFERENCE(DenseReference)
KILN_INSTANTIATE_REFERENCE(DenseInputGradReference)
KILN_INSTANTIATE_REFERENCE(DenseWeightGradReference)

}  // namespace kiln
