// A model input that the backward pass reads from the data set again.
#ifndef KILN_DSL_OPS_REGATHER_H_
#define KILN_DSL_OPS_REGATHER_H_

#include "dsl/op.h"

namespace kiln {

// out = in. Its input, an input node, only says what is read again; it need not
// be in memory any more. Put into graphs by recompute.h alone: it has no
// gradient.
class RegatherOp : public Op {
 public:
  absl::string_view name() const override { return "regather"; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override {
    return inputs[0];
  }
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_REGATHER_H_
