// The sum over a sample's elements, and the broadcast that is its gradient.
#ifndef KILN_DSL_OPS_SUM_H_
#define KILN_DSL_OPS_SUM_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// out = sum of all elements of the sample: any shape -> scalar per sample.
class SumOp : public Op {
 public:
  absl::string_view name() const override { return "sum"; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// Every element of `shape` is the sample's scalar.
class BroadcastOp : public Op {
 public:
  explicit BroadcastOp(Shape shape) : shape_(std::move(shape)) {}
  absl::string_view name() const override { return "broadcast"; }
  std::string Attributes() const override {
    return "shape=" + ShapeString(shape_);
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;

 private:
  Shape shape_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_SUM_H_
