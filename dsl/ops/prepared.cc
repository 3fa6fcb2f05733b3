#include "dsl/ops/prepared.h"

#include "dsl/formula.h"

namespace kiln {

absl::StatusOr<TensorType> PreparedOp::InferType(
    absl::Span<const TensorType>) const {
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  return TensorType{shape_, DType::kFloat32, false};
}

Math PreparedOp::Formula(const FormulaScope& names) const {
  return names.Write("$out = computed once from the parameters",
                     "$out = \\text{computed once from the parameters}");
}

}  // namespace kiln
