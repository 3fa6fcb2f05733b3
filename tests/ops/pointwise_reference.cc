#include "dsl/ops/pointwise.h"
#include "tests/ops/references.h"

namespace kiln {

template <typename T>
void PointwiseReference(const ReferenceCall<T>& call) {
  const ScalarExpr& value = call.template OpAs<PointwiseOp>().value();
  std::vector<T> arguments(call.inputs.size());
  const int64_t samples = call.node.type.per_sample ? call.batch() : 1;
  for (int64_t element = 0; element < samples * call.OutSize(); ++element) {
    for (size_t i = 0; i < call.inputs.size(); ++i)
      arguments[i] = call.inputs[i][element];
    call.output[element] = EvaluateWith(value, arguments);
  }
}

KILN_INSTANTIATE_REFERENCE(PointwiseReference)

}  // namespace kiln
