// The fully connected layer and its two gradients.
#ifndef KILN_DSL_OPS_DENSE_H_
#define KILN_DSL_OPS_DENSE_H_

#include "dsl/op.h"

namespace kiln {

// out[o] = bias[o] + sum over i of weight[o, i] * in[i]. Inputs: input {I},
// weight {O, I}, optionally bias {O}.
class DenseOp : public Op {
 public:
  absl::string_view name() const override { return "dense"; }
  InputCount Inputs() const override { return {2, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// d_in[i] = sum over o of weight[o, i] * d_out[o]. Inputs: d_out {O}, weight
// {O, I}.
class DenseInputGradOp : public Op {
 public:
  absl::string_view name() const override { return "dense_input_grad"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// d_weight[o, i] = sum over the batch of d_out[o] * in[i]. Inputs: input {I},
// d_out {O}. Output: not per sample.
class DenseWeightGradOp : public Op {
 public:
  absl::string_view name() const override { return "dense_weight_grad"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_DENSE_H_
