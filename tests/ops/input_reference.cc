#include <algorithm>

#include "dsl/ops/input.h"
#include "tests/ops/references.h"

namespace kiln {

// The interpreter has checked that the batch holds what sources read.
template <typename T>
void InputReference(const ReferenceCall<T>& call) {
  const std::vector<double>& stored = call.values.tensors.at(call.node.name);
  const T scale = call.template OpAs<InputOp>().format().scale;
  for (size_t i = 0; i < stored.size(); ++i)
    call.output[i] = T(stored[i]) * scale;
}

template <typename T>
void TargetReference(const ReferenceCall<T>& call) {
  const std::vector<double>& stored = call.values.tensors.at(call.node.name);
  std::copy(stored.begin(), stored.end(), call.output);
}

KILN_INSTANTIATE_REFERENCE(InputReference)
KILN_INSTANTIATE_REFERENCE(TargetReference)

}  // namespace kiln
