#include "dsl/ops/concat.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"

namespace kiln {

absl::StatusOr<TensorType> ConcatOp::InferType(
    absl::Span<const TensorType> inputs) const {
  Shape shape;
  for (const TensorType& input : inputs) {
    if (!input.per_sample || input.dtype != DType::kFloat32 ||
        input.shape.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot concatenate ", TypeString(input),
                       "; vectors and images have a first axis"));
    }
    if (shape.empty()) {
      shape = input.shape;
      continue;
    }
    const bool fits =
        shape.size() == input.shape.size() &&
        std::equal(shape.begin() + 1, shape.end(), input.shape.begin() + 1);
    if (!fits) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot concatenate ", ShapeString(inputs[0].shape),
                       " and ", ShapeString(input.shape),
                       ": they may differ in the first axis only"));
    }
    shape[0] += input.shape[0];
  }
  if (absl::Status status = CheckShape(shape); !status.ok()) return status;
  return TensorType{shape, DType::kFloat32, true};
}

void ConcatOp::BuildGradient(GradientBuilder& gradient) const {
  int64_t begin = 0;
  for (int i = 0; i < gradient.input_count(); ++i) {
    const int64_t count = gradient.TypeOf(gradient.input(i)).shape[0];
    if (gradient.Needs(i)) {
      gradient.Set(i, gradient.Add(std::make_shared<ConcatGradOp>(begin, count),
                                   {gradient.output_gradient()},
                                   absl::StrCat("d_input", i)));
    }
    begin += count;
  }
}

std::string ConcatGradOp::Attributes() const {
  return absl::StrCat("begin=", begin_, " count=", count_);
}

absl::StatusOr<TensorType> ConcatGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const TensorType& input = inputs[0];
  if (!input.per_sample || input.dtype != DType::kFloat32 ||
      input.shape.empty() || begin_ < 0 || count_ < 1 ||
      begin_ > input.shape[0] - count_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the part ", Attributes(), " is not in ", TypeString(input)));
  }
  TensorType type = input;
  type.shape[0] = count_;
  return type;
}

}  // namespace kiln
