// Two-dimensional convolution (cross-correlation, as in PyTorch) with zero
// padding, and its two gradients.
#ifndef KILN_DSL_OPS_CONV2D_H_
#define KILN_DSL_OPS_CONV2D_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

struct Conv2dGeometry {
  Size2 kernel = 1;
  Size2 stride = 1;
  Size2 padding = 0;

  std::string ToString() const;
};

// out[k, y, x] = bias[k] + sum over c, r, s of weight[k, c, r, s] * in[c,
// stride y + r - padding, stride x + s - padding]. Inputs: input {C, H, W},
// weight {K, C, kh, kw}, optionally bias {K}. Output {K, H', W'}.
class Conv2dOp : public Op {
 public:
  explicit Conv2dOp(Conv2dGeometry geometry) : geometry_(geometry) {}
  absl::string_view name() const override { return "conv2d"; }
  std::string Attributes() const override { return geometry_.ToString(); }
  InputCount Inputs() const override { return {2, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  const Conv2dGeometry& geometry() const { return geometry_; }

 private:
  Conv2dGeometry geometry_;
};

// d_in[c, i, j] = sum over k, r, s of weight[k, c, r, s] * d_out[k, (i +
// padding - r) / stride, (j + padding - s) / stride], where the divisions leave
// no rest and stay inside. Inputs: d_out {K, H', W'}, weight {K, C, kh, kw}.
class Conv2dInputGradOp : public Op {
 public:
  Conv2dInputGradOp(Conv2dGeometry geometry, Shape input_shape)
      : geometry_(geometry), input_shape_(std::move(input_shape)) {}
  absl::string_view name() const override { return "conv2d_input_grad"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  const Conv2dGeometry& geometry() const { return geometry_; }

 private:
  Conv2dGeometry geometry_;
  Shape input_shape_;
};

// d_weight[k, c, r, s] = sum over the batch, y, x of in[c, stride y + r -
// padding, stride x + s - padding] * d_out[k, y, x]. Inputs: input {C, H, W},
// d_out {K, H', W'}. Output: not per sample.
class Conv2dWeightGradOp : public Op {
 public:
  explicit Conv2dWeightGradOp(Conv2dGeometry geometry) : geometry_(geometry) {}
  absl::string_view name() const override { return "conv2d_weight_grad"; }
  std::string Attributes() const override { return geometry_.ToString(); }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  const Conv2dGeometry& geometry() const { return geometry_; }

 private:
  Conv2dGeometry geometry_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_CONV2D_H_
