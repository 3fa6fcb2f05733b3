#include <algorithm>

#include "dsl/ops/input.h"
#include "tests/ops/references.h"

namespace kiln {

// The interpreter has checked that the batch holds what sources read.
void InputReference(const ReferenceCall& call) {
  const std::vector<double>& stored = call.values.tensors.at(call.node.name);
  const double scale = call.OpAs<InputOp>().format().scale;
  for (size_t i = 0; i < stored.size(); ++i) call.output[i] = stored[i] * scale;
}

void TargetReference(const ReferenceCall& call) {
  const std::vector<double>& stored = call.values.tensors.at(call.node.name);
  std::copy(stored.begin(), stored.end(), call.output);
}

}  // namespace kiln
