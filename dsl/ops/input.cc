#include "dsl/ops/input.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/formula.h"

namespace kiln {

std::string InputOp::Attributes() const {
  return absl::StrFormat(
      "shape=%s storage=%s scale=%.9g", ShapeString(shape_),
      format_.storage == Storage::kUint8 ? "uint8" : "float32", format_.scale);
}

absl::StatusOr<TensorType> InputOp::InferType(
    absl::Span<const TensorType>) const {
  if (shape_.empty() || shape_.size() > 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("an input has 1 to 3 dimensions, not ", shape_.size()));
  }
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  return TensorType{shape_, DType::kFloat32, true};
}

std::string TargetOp::Attributes() const {
  return classes_ > 0 ? absl::StrCat("classes=", classes_)
                      : absl::StrCat("shape=", ShapeString(shape_));
}

absl::StatusOr<TensorType> TargetOp::InferType(
    absl::Span<const TensorType>) const {
  if (classes_ > 0) return TensorType{{}, DType::kInt32, true};
  if (shape_.empty())
    return absl::InvalidArgumentError(
        "labels need at least 1 class, a value target a shape");
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  return TensorType{shape_, DType::kFloat32, true};
}

Math InputOp::Formula(const FormulaScope& names) const {
  if (format_.scale == 1)
    return names.Write("$out = the sample's values",
                       "$out = \\text{the sample's values}");
  const std::string scale = NumberText(format_.scale);
  return names.Write(
      absl::StrCat("$out = ", scale, " * the sample's stored values"),
      absl::StrCat("$out = ", scale,
                   "\\cdot\\text{the sample's stored values}"));
}

Math TargetOp::Formula(const FormulaScope& names) const {
  const char* what =
      classes_ > 0 ? "the sample's class" : "the sample's target";
  return names.Write(absl::StrCat("$out = ", what),
                     absl::StrCat("$out = \\text{", what, "}"));
}

}  // namespace kiln
