// Max pooling, the position of its maximum, and its gradient.
#ifndef KILN_DSL_OPS_MAX_POOL_H_
#define KILN_DSL_OPS_MAX_POOL_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// A sliding window over each channel; kernel, stride and padding as in PyTorch
// (a rest at the edge is dropped).
struct PoolGeometry {
  Size2 kernel = 2;
  Size2 stride = 2;
  Size2 padding = 0;

  std::string ToString() const;
};

// The output shape of a pooling, with the rules PyTorch has on padding: at most
// half the kernel.
absl::StatusOr<TensorType> PoolType(const PoolGeometry& geometry,
                                    const TensorType& input);

// out[c, y, x] = max over r, s of in[c, stride y + r - padding, stride x + s -
// padding]; padding never wins.
class MaxPoolOp : public Op {
 public:
  explicit MaxPoolOp(PoolGeometry geometry) : geometry_(geometry) {}
  absl::string_view name() const override { return "max_pool"; }
  std::string Attributes() const override { return geometry_.ToString(); }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  const PoolGeometry& geometry() const { return geometry_; }

 private:
  PoolGeometry geometry_;
};

// The place of that maximum in its window as r * kernel width + s: the first in
// row-major order where several are equal.
class MaxPoolIndexOp : public Op {
 public:
  explicit MaxPoolIndexOp(PoolGeometry geometry) : geometry_(geometry) {}
  absl::string_view name() const override { return "max_pool_index"; }
  std::string Attributes() const override { return geometry_.ToString(); }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  const PoolGeometry& geometry() const { return geometry_; }

 private:
  PoolGeometry geometry_;
};

// d_in at a position: the sum of d_out over the windows whose maximum it is.
// Inputs: index {C, H', W'}, d_out likewise.
class MaxPoolGradOp : public Op {
 public:
  MaxPoolGradOp(PoolGeometry geometry, Shape input_shape)
      : geometry_(geometry), input_shape_(std::move(input_shape)) {}
  absl::string_view name() const override { return "max_pool_grad"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  const PoolGeometry& geometry() const { return geometry_; }

 private:
  PoolGeometry geometry_;
  Shape input_shape_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_MAX_POOL_H_
