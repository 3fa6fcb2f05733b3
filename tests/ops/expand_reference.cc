#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void ExpandReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i)
      call.Out(n)[i] = *call.In(0, n);
  }
}

KILN_INSTANTIATE_REFERENCE(ExpandReference)

}  // namespace kiln
