#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void ChannelAffineReference(const ReferenceCall<T>& call) {
  const int64_t area = call.OutSize() / call.InSize(1);
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i) {
      call.Out(n)[i] = call.In(0, n)[i] * call.inputs[1][i / area];
      if (call.inputs.size() > 2) call.Out(n)[i] += call.inputs[2][i / area];
    }
  }
}

KILN_INSTANTIATE_REFERENCE(ChannelAffineReference)

}  // namespace kiln
