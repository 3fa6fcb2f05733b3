#include "dsl/ops/prepared.h"

namespace kiln {

absl::StatusOr<TensorType> PreparedOp::InferType(
    absl::Span<const TensorType>) const {
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  return TensorType{shape_, DType::kFloat32, false};
}

}  // namespace kiln
