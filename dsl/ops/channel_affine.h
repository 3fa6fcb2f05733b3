// A scale and a shift for every channel: batch normalisation with known
// statistics.
#ifndef KILN_DSL_OPS_CHANNEL_AFFINE_H_
#define KILN_DSL_OPS_CHANNEL_AFFINE_H_

#include "dsl/op.h"

namespace kiln {

// out[c, ...] = in[c, ...] * scale[c] + shift[c]. Inputs: {C} or {C, H, W} per
// sample, scale {C} and, optionally, shift {C}, neither per sample; the output
// is typed like the first.
class ChannelAffineOp : public Op {
 public:
  absl::string_view name() const override { return "channel_affine"; }
  InputCount Inputs() const override { return {2, 3}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  void BuildGradient(GradientBuilder& gradient) const override;
  FlopCount Flops(absl::Span<const TensorType> inputs,
                  const TensorType& output) const override;
};

// Fails unless `type` is float32, per sample and {C} or {C, H, W}. `who`: "a
// channel_affine".
absl::Status CheckChannels(absl::string_view who, const TensorType& type);

// Fails unless `type` is {C}, one number for each channel of `channels`, and
// not per sample. `what`: "scale".
absl::Status CheckPerChannel(absl::string_view what, const TensorType& type,
                             const TensorType& channels);

}  // namespace kiln

#endif  // KILN_DSL_OPS_CHANNEL_AFFINE_H_
