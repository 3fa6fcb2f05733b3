// Softmax cross-entropy with integer labels, its gradient, and the accuracy of
// the same logits.
#ifndef KILN_DSL_OPS_SOFTMAX_CROSS_ENTROPY_H_
#define KILN_DSL_OPS_SOFTMAX_CROSS_ENTROPY_H_

#include "dsl/op.h"

namespace kiln {

// out = log(sum over k of e^(z_k - m)) - (z_label - m), m = max z: finite for
// logits of any size. Inputs: logits {K}, label: int32 scalar in [0, K).
class SoftmaxCrossEntropyOp : public Op {
 public:
  absl::string_view name() const override { return "softmax_cross_entropy"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// d_z_k = (softmax(z)_k - [k = label]) * d_out. Inputs: logits {K}, label,
// d_out scalar.
class SoftmaxCrossEntropyGradOp : public Op {
 public:
  absl::string_view name() const override {
    return "softmax_cross_entropy_grad";
  }
  InputCount Inputs() const override { return {3, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// 1 where the first maximum of the logits is at the label, else 0. Inputs:
// logits {K}, label.
class AccuracyOp : public Op {
 public:
  absl::string_view name() const override { return "accuracy"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_SOFTMAX_CROSS_ENTROPY_H_
