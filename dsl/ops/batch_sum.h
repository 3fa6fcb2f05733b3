// The gradient of a bias: the sum over the batch and over every position of a
// channel.
#ifndef KILN_DSL_OPS_BATCH_SUM_H_
#define KILN_DSL_OPS_BATCH_SUM_H_

#include "dsl/op.h"

namespace kiln {

// out[k] = sum over the batch and all other dimensions of in[k, ...]. Input {K}
// or {K, H, W} per sample; output {K}.
class BatchSumOp : public Op {
 public:
  absl::string_view name() const override { return "batch_sum"; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_BATCH_SUM_H_
