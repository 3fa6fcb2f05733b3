#include "dsl/ops/parameter.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kiln {

std::string ParameterOp::Attributes() const {
  std::string text = absl::StrCat("shape=", ShapeString(spec_.shape),
                                  " init=", InitializerString(spec_.init));
  if (spec_.frozen) absl::StrAppend(&text, " frozen");
  if (spec_.lr_multiplier != 1)
    absl::StrAppend(
        &text, absl::StrFormat(" lr_multiplier=%.6g", spec_.lr_multiplier));
  if (spec_.weight_decay_multiplier != 1)
    absl::StrAppend(&text, absl::StrFormat(" weight_decay_multiplier=%.6g",
                                           spec_.weight_decay_multiplier));
  return text;
}

absl::StatusOr<TensorType> ParameterOp::InferType(
    absl::Span<const TensorType>) const {
  if (spec_.shape.empty())
    return absl::InvalidArgumentError("a parameter needs a shape");
  if (absl::Status status = CheckShape(spec_.shape); !status.ok())
    return status;
  if (!std::isfinite(spec_.init.a) || !std::isfinite(spec_.init.b)) {
    return absl::InvalidArgumentError("the initial distribution is not finite");
  }
  if (spec_.init.IsRule()) {
    return absl::InvalidArgumentError(
        "its initialiser is a rule without a fan-in; resolve it first");
  }
  if (!(std::isfinite(spec_.lr_multiplier) && spec_.lr_multiplier >= 0)) {
    return absl::InvalidArgumentError(
        "the learning-rate multiplier must be 0 or more");
  }
  if (!(std::isfinite(spec_.weight_decay_multiplier) &&
        spec_.weight_decay_multiplier >= 0)) {
    return absl::InvalidArgumentError(
        "the weight-decay multiplier must be 0 or more");
  }
  return TensorType{spec_.shape, DType::kFloat32, false};
}

}  // namespace kiln
