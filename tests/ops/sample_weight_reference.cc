#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void SampleWeightReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n)
    call.output[n] = T(BareWeight(call.values, n)) * T(call.values.scale);
}

KILN_INSTANTIATE_REFERENCE(SampleWeightReference)

}  // namespace kiln
