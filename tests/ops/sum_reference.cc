#include "tests/ops/references.h"

namespace kiln {

void SumReference(const ReferenceCall& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.InSize(0); ++i)
      *call.Out(n) += call.In(0, n)[i];
  }
}

void BroadcastReference(const ReferenceCall& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i)
      call.Out(n)[i] = *call.In(0, n);
  }
}

}  // namespace kiln
