// Zero padding of an image, and the crop that is its gradient.
#ifndef KILN_DSL_OPS_PAD_H_
#define KILN_DSL_OPS_PAD_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// {C, H, W} -> {C, H + 2 ph, W + 2 pw}, zeros outside.
class PadOp : public Op {
 public:
  explicit PadOp(Size2 padding) : padding_(padding) {}
  absl::string_view name() const override { return "pad"; }
  std::string Attributes() const override {
    return "padding=" + SizeString(padding_);
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  const Size2& padding() const { return padding_; }

 private:
  Size2 padding_;
};

// {C, H, W} -> {C, H - 2 ph, W - 2 pw}: what is left without the border.
class CropOp : public Op {
 public:
  explicit CropOp(Size2 border) : border_(border) {}
  absl::string_view name() const override { return "crop"; }
  std::string Attributes() const override {
    return "border=" + SizeString(border_);
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  const Size2& border() const { return border_; }

 private:
  Size2 border_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_PAD_H_
