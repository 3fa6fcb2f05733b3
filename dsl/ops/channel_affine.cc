#include "dsl/ops/channel_affine.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/pointwise.h"

namespace kiln {

absl::Status CheckChannels(absl::string_view who, const TensorType& type) {
  const size_t rank = type.shape.size();
  if (type.per_sample && type.dtype == DType::kFloat32 &&
      (rank == 1 || rank == 3)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(who, " needs features {F} or an image {C, H, W}, not ",
                   TypeString(type)));
}

absl::Status CheckPerChannel(absl::string_view what, const TensorType& type,
                             const TensorType& channels) {
  const TensorType expected{{channels.shape[0]}, DType::kFloat32, false};
  if (type == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the ", what, " is ", TypeString(type), ", not ",
                   TypeString(expected), ": one number a channel"));
}

absl::StatusOr<TensorType> ChannelAffineOp::InferType(
    absl::Span<const TensorType> inputs) const {
  absl::Status status = CheckChannels("a channel_affine", inputs[0]);
  if (status.ok()) status = CheckPerChannel("scale", inputs[1], inputs[0]);
  if (status.ok() && inputs.size() > 2)
    status = CheckPerChannel("shift", inputs[2], inputs[0]);
  if (!status.ok()) return status;
  return inputs[0];
}

void ChannelAffineOp::BuildGradient(GradientBuilder& gradient) const {
  const NodeId d_output = gradient.output_gradient();
  if (gradient.Needs(0)) {
    gradient.Set(0, gradient.Add(std::make_shared<ChannelAffineOp>(),
                                 {d_output, gradient.input(1)}, "d_input"));
  }
  if (gradient.Needs(1)) {
    const NodeId terms =
        gradient.Add(std::make_shared<PointwiseOp>("product", Arg(0) * Arg(1)),
                     {d_output, gradient.input(0)}, "d_scale_terms");
    gradient.Set(
        1, gradient.Add(std::make_shared<BatchSumOp>(), {terms}, "d_scale"));
  }
  if (gradient.input_count() > 2 && gradient.Needs(2)) {
    gradient.Set(
        2, gradient.Add(std::make_shared<BatchSumOp>(), {d_output}, "d_shift"));
  }
}

FlopCount ChannelAffineOp::Flops(absl::Span<const TensorType> inputs,
                                 const TensorType& output) const {
  const int64_t operations = inputs.size() > 2 ? 2 : 1;
  return {operations * ElementCount(output.shape), 0};
}

Math ChannelAffineOp::Formula(const FormulaScope& names) const {
  const std::string i = names.OutShape().size() == 3 ? "c,y,x" : "c";
  const char* shift = names.input_count() > 2 ? " + $2[c]" : "";
  return names.Write(
      absl::StrCat("$out[", i, "] = $0[", i, "] * $1[c]", shift),
      absl::StrCat("$out[", i, "] = $0[", i, "]\\, $1[c]", shift));
}

}  // namespace kiln
