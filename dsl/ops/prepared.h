// A source of the inference graph: what the prepare graph has computed.
#ifndef KILN_DSL_OPS_PREPARED_H_
#define KILN_DSL_OPS_PREPARED_H_

#include <string>
#include <utility>

#include "dsl/op.h"

namespace kiln {

// A tensor that depends on parameters alone and is computed once, not once a
// sample (prepare.h). Like a parameter, it has no sample and no gradient.
class PreparedOp : public Op {
 public:
  explicit PreparedOp(Shape shape) : shape_(std::move(shape)) {}
  absl::string_view name() const override { return "prepared"; }
  std::string Attributes() const override {
    return "shape=" + ShapeString(shape_);
  }
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;

 private:
  Shape shape_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_PREPARED_H_
