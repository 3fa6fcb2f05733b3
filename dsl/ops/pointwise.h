// A scalar expression applied to every element.
#ifndef KILN_DSL_OPS_POINTWISE_H_
#define KILN_DSL_OPS_POINTWISE_H_

#include <limits>
#include <string>
#include <vector>

#include "dsl/op.h"
#include "dsl/scalar_expr.h"

namespace kiln {

// out[...] = value(in_0[...], in_1[...], ...): all inputs have one type.
//
// `partials`, when given, are the derivatives to use in place of symbolic ones,
// one per input, over Arg(0..n-1) = the inputs and Arg(n) = the output. A
// derivative in terms of the output alone (sigmoid: y (1 - y)) means that the
// backward pass does not read the pre-activation, so it need not be kept. They
// are held against the symbolic ones (derivative_check.h): InferType refuses a
// wrong one.
class PointwiseOp : public Op {
 public:
  PointwiseOp(std::string label, ScalarExpr value,
              std::vector<ScalarExpr> partials = {});

  absl::string_view name() const override { return "pointwise"; }
  std::string Attributes() const override;
  InputCount Inputs() const override {
    return {0, std::numeric_limits<int>::max()};
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;

  const std::string& label() const { return label_; }
  const ScalarExpr& value() const { return value_; }

 private:
  std::string label_;
  ScalarExpr value_;
  std::vector<ScalarExpr> partials_;
  absl::Status partials_status_;  // InferType is called often, the check is not
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_POINTWISE_H_
