#include "dsl/ops/batch_sum.h"

#include "absl/strings/str_cat.h"

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

}  // namespace kiln
