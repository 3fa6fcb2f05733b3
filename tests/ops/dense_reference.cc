#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void DenseReference(const ReferenceCall<T>& call) {
  const int64_t size = call.InSize(0);
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T* in = call.In(0, n);
    for (int64_t o = 0; o < call.OutSize(); ++o) {
      const T* row = call.In(1, n) + o * size;
      T sum = call.inputs.size() > 2 ? call.In(2, n)[o] : T(0.0);
      for (int64_t i = 0; i < size; ++i) sum += row[i] * in[i];
      call.Out(n)[o] = sum;
    }
  }
}

template <typename T>
void DenseInputGradReference(const ReferenceCall<T>& call) {
  const int64_t size = call.OutSize();
  for (int64_t n = 0; n < call.batch(); ++n) {
    T* d_in = call.Out(n);
    for (int64_t o = 0; o < call.InSize(0); ++o) {
      const T d_out = call.In(0, n)[o];
      const T* row = call.In(1, n) + o * size;
      for (int64_t i = 0; i < size; ++i) d_in[i] += d_out * row[i];
    }
  }
}

template <typename T>
void DenseWeightGradReference(const ReferenceCall<T>& call) {
  const int64_t size = call.InSize(0);
  for (int64_t n = 0; n < call.batch(); ++n) {
    const T* in = call.In(0, n);
    for (int64_t o = 0; o < call.InSize(1); ++o) {
      const T d_out = call.In(1, n)[o];
      T* row = call.Out(n) + o * size;
      for (int64_t i = 0; i < size; ++i) row[i] += d_out * in[i];
    }
  }
}

KILN_INSTANTIATE_REFERENCE(DenseReference)
KILN_INSTANTIATE_REFERENCE(DenseInputGradReference)
KILN_INSTANTIATE_REFERENCE(DenseWeightGradReference)

}  // namespace kiln
