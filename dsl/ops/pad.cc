#include "dsl/ops/pad.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"
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

Math PadOp::Formula(const FormulaScope& names) const {
  const std::string moved = absl::StrCat(
      "$out[c,y,x] = $0[c,", WindowIndex("y", "", 1, padding_.height), ",",
      WindowIndex("x", "", 1, padding_.width), "]");
  return names.Write(absl::StrCat(moved, ", 0 outside"),
                     absl::StrCat(moved, ",\\quad 0\\text{ outside}"));
}

Math CropOp::Formula(const FormulaScope& names) const {
  const std::string moved = absl::StrCat(
      "$out[c,y,x] = $0[c,y+", border_.height, ",x+", border_.width, "]");
  return names.Write(moved, moved);
}

}  // namespace kiln
