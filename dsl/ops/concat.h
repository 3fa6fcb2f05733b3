// Values put behind each other, and the parts that are its gradients.
#ifndef KILN_DSL_OPS_CONCAT_H_
#define KILN_DSL_OPS_CONCAT_H_

#include <limits>
#include <string>

#include "dsl/op.h"

namespace kiln {

// Along the first axis, the channels of images or the features of vectors:
// {C1, H, W}, {C2, H, W}, ... -> {C1 + C2 + ..., H, W}.
class ConcatOp : public Op {
 public:
  absl::string_view name() const override { return "concat"; }
  InputCount Inputs() const override {
    return {1, std::numeric_limits<int>::max()};
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
};

// d_in[c, ...] = d_out[begin + c, ...] for c in [0, count): what one input of a
// concatenation contributed.
class ConcatGradOp : public Op {
 public:
  ConcatGradOp(int64_t begin, int64_t count) : begin_(begin), count_(count) {}
  absl::string_view name() const override { return "concat_grad"; }
  std::string Attributes() const override;
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  int64_t begin() const { return begin_; }
  int64_t count() const { return count_; }

 private:
  int64_t begin_;
  int64_t count_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_CONCAT_H_
