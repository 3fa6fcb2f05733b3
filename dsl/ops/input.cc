#include "dsl/ops/input.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

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

}  // namespace kiln
