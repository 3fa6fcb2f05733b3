#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void MatmulReference(const ReferenceCall<T>& call) {
  const int64_t columns = call.OutShape()[1], inner = call.InShape(0)[1];
  for (int64_t at = 0; at < call.OutSize(); ++at) {
    const int64_t row = at / columns, column = at % columns;
    for (int64_t h = 0; h < inner; ++h) {
      call.Out(0)[at] +=
          call.In(0, 0)[row * inner + h] * call.In(1, 0)[h * columns + column];
    }
  }
}

template <typename T>
void MatvecReference(const ReferenceCall<T>& call) {
  const int64_t inner = call.InSize(1);
  for (int64_t row = 0; row < call.OutSize(); ++row) {
    T sum = call.inputs.size() > 2 ? call.In(2, 0)[row] : T(0.0);
    for (int64_t h = 0; h < inner; ++h)
      sum += call.In(0, 0)[row * inner + h] * call.In(1, 0)[h];
    call.Out(0)[row] = sum;
  }
}

template <typename T>
void ScaleRowsReference(const ReferenceCall<T>& call) {
  const int64_t row = call.OutSize() / call.InSize(1);
  for (int64_t at = 0; at < call.OutSize(); ++at)
    call.Out(0)[at] = call.In(0, 0)[at] * call.In(1, 0)[at / row];
}

KILN_INSTANTIATE_REFERENCE(MatmulReference)
KILN_INSTANTIATE_REFERENCE(MatvecReference)
KILN_INSTANTIATE_REFERENCE(ScaleRowsReference)

}  // namespace kiln
