// Batch normalisation (Ioffe and Szegedy, 2015), as PyTorch's BatchNorm1d and
// BatchNorm2d define it, in the parts that its gradient is made of: the batch's
// mean and variance are nodes, and so are the running ones that training
// updates.
//
// A batch here is the lanes of one pipeline call that carry weight, so it must
// fit one block. N below is their number times H W: the values of a channel.
#ifndef KILN_DSL_OPS_BATCH_NORM_H_
#define KILN_DSL_OPS_BATCH_NORM_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// out[c] = sum of in[c, ...] over the batch / N. Inputs: {C} or {C, H, W} per
// sample, and the running mean {C}, which stands for it in the evaluation form
// and is not read here. Output {C}.
class BatchMeanOp : public Op {
 public:
  absl::string_view name() const override { return "batch_mean"; }
  InputCount Inputs() const override { return {2, 2}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// d_in[c, ...] = d_out[c] / N in lanes that carry weight, else 0. Input {C}.
class BatchMeanGradOp : public Op {
 public:
  explicit BatchMeanGradOp(Shape input_shape)
      : input_shape_(std::move(input_shape)) {}
  absl::string_view name() const override { return "batch_mean_grad"; }
  std::string Attributes() const override {
    return "input=" + ShapeString(input_shape_);
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;

 private:
  Shape input_shape_;
};

// out[c] = sum of (in[c, ...] - mean[c])^2 over the batch / N: the biased
// variance. Inputs: as of batch_mean, its result for the same values, and the
// running variance {C}, which stands for it in the evaluation form. Nothing
// flows back to the mean: the deviations from it sum to 0.
class BatchVarianceOp : public Op {
 public:
  absl::string_view name() const override { return "batch_variance"; }
  InputCount Inputs() const override { return {3, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// d_in[c, ...] = d_out[c] 2 (in[c, ...] - mean[c]) / N in lanes that carry
// weight, else 0. Inputs: d_out {C}, in, mean {C}.
class BatchVarianceGradOp : public Op {
 public:
  absl::string_view name() const override { return "batch_variance_grad"; }
  InputCount Inputs() const override { return {3, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// out[c] = in[c] N / (N - 1), the unbiased variance that PyTorch's running
// variance averages; in[c] itself where N is 1, which has none. `area` is H W.
class UnbiasedVarianceOp : public Op {
 public:
  explicit UnbiasedVarianceOp(int64_t area) : area_(area) {}
  absl::string_view name() const override { return "unbiased_variance"; }
  std::string Attributes() const override;
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  int64_t area() const { return area_; }

 private:
  int64_t area_;
};

// out[c, ...] = (in[c, ...] - mean[c]) / sqrt(variance[c] + eps) weight[c] +
// bias[c]. Inputs: {C} or {C, H, W} per sample, mean and variance {C} and,
// both or neither, weight and bias {C}.
class BatchNormOp : public Op {
 public:
  explicit BatchNormOp(double eps) : eps_(eps) {}
  absl::string_view name() const override { return "batch_norm"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {3, 5}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
  double eps() const { return eps_; }

 private:
  double eps_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_BATCH_NORM_H_
