// The seed of the backward pass: what each sample of the batch counts.
#ifndef KILN_DSL_OPS_SAMPLE_WEIGHT_H_
#define KILN_DSL_OPS_SAMPLE_WEIGHT_H_

#include "dsl/op.h"

namespace kiln {

// A scalar per sample; a pipeline computes it as weight(n) * scale, with weight
// 0 for lanes past the end of the batch.
class SampleWeightOp : public Op {
 public:
  absl::string_view name() const override { return "sample_weight"; }
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType>) const override {
    return TensorType{{}, DType::kFloat32, true};
  }
  Math Formula(const FormulaScope& names) const override;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_SAMPLE_WEIGHT_H_
