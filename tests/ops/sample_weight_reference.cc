#include "tests/ops/references.h"

namespace kiln {

void SampleWeightReference(const ReferenceCall& call) {
  for (int64_t n = 0; n < call.batch(); ++n)
    call.output[n] = SampleWeight(call.values, n);
}

}  // namespace kiln
