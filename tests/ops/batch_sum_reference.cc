#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void BatchSumReference(const ReferenceCall<T>& call) {
  const int64_t channels = call.OutSize(), area = call.InSize(0) / channels;
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.InSize(0); ++i)
      call.output[i / area] += call.In(0, n)[i];
  }
}

KILN_INSTANTIATE_REFERENCE(BatchSumReference)

}  // namespace kiln
