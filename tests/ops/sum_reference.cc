#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void SumReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.InSize(0); ++i)
      *call.Out(n) += call.In(0, n)[i];
  }
}

template <typename T>
void BroadcastReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i)
      call.Out(n)[i] = *call.In(0, n);
  }
}

KILN_INSTANTIATE_REFERENCE(SumReference)
KILN_INSTANTIATE_REFERENCE(BroadcastReference)

}  // namespace kiln
