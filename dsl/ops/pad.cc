#include "dsl/ops/pad.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/window.h"

namespace kiln {
namespace {

constexpr int64_t kMaxPadding = int64_t{1}
                                << 30;  // keeps H + 2 ph from overflowing

}  // namespace

absl::StatusOr<TensorType> PadOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (absl::Status status = CheckImage("padding", inputs[0]); !status.ok())
    return status;
  if (padding_.height < 0 || padding_.width < 0 ||
      padding_.height > kMaxPadding || padding_.width > kMaxPadding) {
    return absl::InvalidArgumentError(
        absl::StrCat("padding ", SizeString(padding_), " must be 0 or more"));
  }
  const Shape& in = inputs[0].shape;
  return TensorType{
      {in[0], in[1] + 2 * padding_.height, in[2] + 2 * padding_.width},
      DType::kFloat32,
      true};
}

void PadOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  gradient.Set(0, gradient.Add(std::make_shared<CropOp>(padding_),
                               {gradient.output_gradient()}, "d_input"));
}

absl::StatusOr<TensorType> CropOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (absl::Status status = CheckImage("cropping", inputs[0]); !status.ok())
    return status;
  const Shape& in = inputs[0].shape;
  if (border_.height < 0 || border_.width < 0 ||
      border_.height > (in[1] - 1) / 2 || border_.width > (in[2] - 1) / 2) {
    return absl::InvalidArgumentError(absl::StrCat("cannot crop a border of ",
                                                   SizeString(border_),
                                                   " from ", ShapeString(in)));
  }
  return TensorType{
      {in[0], in[1] - 2 * border_.height, in[2] - 2 * border_.width},
      DType::kFloat32,
      true};
}

void CropOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  gradient.Set(0, gradient.Add(std::make_shared<PadOp>(border_),
                               {gradient.output_gradient()}, "d_input"));
}

}  // namespace kiln
