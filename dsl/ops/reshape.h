// The same values under another shape; flattening is its common use.
#ifndef KILN_DSL_OPS_RESHAPE_H_
#define KILN_DSL_OPS_RESHAPE_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// Keeps the row-major order: flattening an image goes through channels, then
// rows, then columns.
class ReshapeOp : public Op {
 public:
  explicit ReshapeOp(Shape shape) : shape_(std::move(shape)) {}
  absl::string_view name() const override { return "reshape"; }
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

#endif  // KILN_DSL_OPS_RESHAPE_H_
