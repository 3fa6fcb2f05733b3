#include "dsl/ops/batch_sum.h"

#include "absl/strings/str_cat.h"
#include "dsl/formula.h"

namespace kiln {

absl::StatusOr<TensorType> BatchSumOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (inputs[0].shape.empty() || !inputs[0].per_sample) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot sum ", TypeString(inputs[0]), " over the batch"));
  }
  return TensorType{{inputs[0].shape[0]}, DType::kFloat32, false};
}

FlopCount BatchSumOp::Flops(absl::Span<const TensorType> inputs,
                            const TensorType&) const {
  return {ElementCount(inputs[0].shape), 0};
}

Math BatchSumOp::Formula(const FormulaScope& names) const {
  const Shape& in = names.InShape(0);
  if (in.size() != 3) return names.Write("$out[k] = $0[k]", "$out[k] = $0[k]");
  const Math sum = SumOver({{"y", in[1]}, {"x", in[2]}});
  return names.Write(absl::StrCat("$out[k] = ", sum.text, "$0[k,y,x]"),
                     absl::StrCat("$out[k] = ", sum.latex, "$0[k,y,x]"));
}

}  // namespace kiln
