#include "dsl/ops/reshape.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"

namespace kiln {

absl::StatusOr<TensorType> ReshapeOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  if (!inputs[0].per_sample || inputs[0].dtype != DType::kFloat32 ||
      ElementCount(inputs[0].shape) != ElementCount(shape_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot give ", TypeString(inputs[0]), " the shape ",
                     ShapeString(shape_)));
  }
  return TensorType{shape_, DType::kFloat32, true};
}

void ReshapeOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  auto op =
      std::make_shared<ReshapeOp>(gradient.TypeOf(gradient.input(0)).shape);
  gradient.Set(0, gradient.Add(op, {gradient.output_gradient()}, "d_input"));
}

Math ReshapeOp::Formula(const FormulaScope& names) const {
  const std::string shape = ShapeString(shape_);
  return names.Write(
      absl::StrCat("$out = $0 as ", shape, ", in row-major order"),
      absl::StrCat("$out = $0\\text{ as ", shape, ", in row-major order}"));
}

}  // namespace kiln
