// Products of parameters: what folding a layer into another computes, once and
// for all samples. Only inference has them, so they have no gradients.
#ifndef KILN_DSL_OPS_MATMUL_H_
#define KILN_DSL_OPS_MATMUL_H_

#include "dsl/op.h"

namespace kiln {

// out[o, i] = sum over h of a[o, h] * b[h, i]. Inputs: a {O, H}, b {H, I},
// neither per sample.
class MatmulOp : public Op {
 public:
  absl::string_view name() const override { return "matmul"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// out[o] = c[o] + sum over h of a[o, h] * b[h]. Inputs: a {O, H}, b {H},
// optionally c {O}, none per sample.
class MatvecOp : public Op {
 public:
  absl::string_view name() const override { return "matvec"; }
  InputCount Inputs() const override { return {2, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// out[k, ...] = a[k, ...] * s[k]: each output channel's weights times a number.
// Inputs: a {K, ...}, s {K}, neither per sample.
class ScaleRowsOp : public Op {
 public:
  absl::string_view name() const override { return "scale_rows"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_MATMUL_H_
