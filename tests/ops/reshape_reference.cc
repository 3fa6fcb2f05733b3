#include <algorithm>

#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void ReshapeReference(const ReferenceCall<T>& call) {
  std::copy_n(call.inputs[0], call.batch() * call.OutSize(), call.output);
}

KILN_INSTANTIATE_REFERENCE(ReshapeReference)

}  // namespace kiln
