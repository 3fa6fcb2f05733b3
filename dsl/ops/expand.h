// A single parameter as a value of every element: PReLU's shared slope.
#ifndef KILN_DSL_OPS_EXPAND_H_
#define KILN_DSL_OPS_EXPAND_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// out[n, ...] = in[0], for each sample and element. Input: a parameter of
// shape {1}. Its gradient is the sum over the batch and all elements: ops that
// exist (sum, reshape, batch_sum).
class ExpandOp : public Op {
 public:
  explicit ExpandOp(Shape shape) : shape_(std::move(shape)) {}
  absl::string_view name() const override { return "expand"; }
  std::string Attributes() const override {
    return "shape=" + ShapeString(shape_);
  }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  void BuildGradient(GradientBuilder& gradient) const override;

 private:
  Shape shape_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_EXPAND_H_
