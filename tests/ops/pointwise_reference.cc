#include "dsl/ops/pointwise.h"
#include "tests/ops/references.h"

namespace kiln {

void PointwiseReference(const ReferenceCall& call) {
  const ScalarExpr& value = call.OpAs<PointwiseOp>().value();
  std::vector<double> arguments(call.inputs.size());
  const int64_t samples = call.node.type.per_sample ? call.batch() : 1;
  for (int64_t element = 0; element < samples * call.OutSize(); ++element) {
    for (size_t i = 0; i < call.inputs.size(); ++i)
      arguments[i] = call.inputs[i][element];
    call.output[element] = Evaluate(value, arguments);
  }
}

}  // namespace kiln
