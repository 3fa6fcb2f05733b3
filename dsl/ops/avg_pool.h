// Average pooling and its gradient.
#ifndef KILN_DSL_OPS_AVG_POOL_H_
#define KILN_DSL_OPS_AVG_POOL_H_

#include <string>

#include "dsl/op.h"
#include "dsl/ops/max_pool.h"

namespace kiln {

// out[c, y, x] = mean over r, s of in[c, stride y + r - padding, stride x + s -
// padding]; padding counts as zeros, so the divisor is always the kernel's size
// (PyTorch's count_include_pad = true).
class AvgPoolOp : public Op {
 public:
  explicit AvgPoolOp(PoolGeometry geometry) : geometry_(geometry) {}
  absl::string_view name() const override { return "avg_pool"; }
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

// d_in at a position: the sum of d_out over the windows that cover it, divided
// by the kernel's size. Input: d_out.
class AvgPoolGradOp : public Op {
 public:
  AvgPoolGradOp(PoolGeometry geometry, Shape input_shape)
      : geometry_(geometry), input_shape_(std::move(input_shape)) {}
  absl::string_view name() const override { return "avg_pool_grad"; }
  std::string Attributes() const override;
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

#endif  // KILN_DSL_OPS_AVG_POOL_H_
