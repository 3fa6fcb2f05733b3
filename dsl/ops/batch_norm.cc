#include "dsl/ops/batch_norm.h"

#include <cmath>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/channel_affine.h"
#include "dsl/ops/pointwise.h"

namespace kiln {
namespace {

TensorType PerChannel(const TensorType& channels) {
  return {{channels.shape[0]}, DType::kFloat32, false};
}

OpPtr Pointwise(const std::string& label, const ScalarExpr& value) {
  return std::make_shared<PointwiseOp>(label, value);
}

// "c", or "c,y,x" of an image.
std::string ChannelIndex(const Shape& shape) {
  return shape.size() == 3 ? "c,y,x" : "c";
}

}  // namespace

absl::StatusOr<TensorType> BatchMeanOp::InferType(
    absl::Span<const TensorType> inputs) const {
  absl::Status status = CheckChannels("a batch's mean", inputs[0]);
  if (status.ok())
    status = CheckPerChannel("running mean", inputs[1], inputs[0]);
  if (!status.ok()) return status;
  return PerChannel(inputs[0]);
}

void BatchMeanOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  auto op = std::make_shared<BatchMeanGradOp>(
      gradient.TypeOf(gradient.input(0)).shape);
  gradient.Set(0, gradient.Add(op, {gradient.output_gradient()}, "d_input"));
}

FlopCount BatchMeanOp::Flops(absl::Span<const TensorType> inputs,
                             const TensorType&) const {
  return {ElementCount(inputs[0].shape), 0};
}

absl::StatusOr<TensorType> BatchMeanGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const TensorType input{input_shape_, DType::kFloat32, true};
  absl::Status status = CheckChannels("a batch's mean", input);
  if (status.ok()) status = CheckPerChannel("adjoint", inputs[0], input);
  if (!status.ok()) return status;
  return input;
}

FlopCount BatchMeanGradOp::Flops(absl::Span<const TensorType> inputs,
                                 const TensorType&) const {
  return {ElementCount(inputs[0].shape), 0};
}

absl::StatusOr<TensorType> BatchVarianceOp::InferType(
    absl::Span<const TensorType> inputs) const {
  absl::Status status = CheckChannels("a batch's variance", inputs[0]);
  if (status.ok()) status = CheckPerChannel("mean", inputs[1], inputs[0]);
  if (status.ok())
    status = CheckPerChannel("running variance", inputs[2], inputs[0]);
  if (!status.ok()) return status;
  return PerChannel(inputs[0]);
}

void BatchVarianceOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  gradient.Set(0, gradient.Add(std::make_shared<BatchVarianceGradOp>(),
                               {gradient.output_gradient(), gradient.input(0),
                                gradient.input(1)},
                               "d_input"));
}

FlopCount BatchVarianceOp::Flops(absl::Span<const TensorType> inputs,
                                 const TensorType&) const {
  return {3 * ElementCount(inputs[0].shape), 0};
}

absl::StatusOr<TensorType> BatchVarianceGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  absl::Status status = CheckChannels("a batch's variance", inputs[1]);
  if (status.ok()) status = CheckPerChannel("adjoint", inputs[0], inputs[1]);
  if (status.ok()) status = CheckPerChannel("mean", inputs[2], inputs[1]);
  if (!status.ok()) return status;
  return inputs[1];
}

FlopCount BatchVarianceGradOp::Flops(absl::Span<const TensorType> inputs,
                                     const TensorType&) const {
  return {2 * ElementCount(inputs[1].shape), 0};
}

std::string UnbiasedVarianceOp::Attributes() const {
  return absl::StrCat("area=", area_);
}

absl::StatusOr<TensorType> UnbiasedVarianceOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (inputs[0].per_sample || inputs[0].shape.size() != 1 || area_ < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a variance has one number a channel, and is no ",
                     TypeString(inputs[0])));
  }
  return inputs[0];
}

std::string BatchNormOp::Attributes() const {
  return absl::StrFormat("eps=%.9g", eps_);
}

absl::StatusOr<TensorType> BatchNormOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (!(std::isfinite(eps_) && eps_ > 0)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("eps is %g, must be a positive number", eps_));
  }
  if (inputs.size() == 4) {
    return absl::InvalidArgumentError("a weight needs a bias beside it");
  }
  absl::Status status = CheckChannels("batch normalisation", inputs[0]);
  constexpr const char* kNames[] = {"", "mean", "variance", "weight", "bias"};
  for (size_t i = 1; i < inputs.size() && status.ok(); ++i)
    status = CheckPerChannel(kNames[i], inputs[i], inputs[0]);
  if (!status.ok()) return status;
  return inputs[0];
}

// With v = variance + eps, z = (in - mean) / sqrt(v) and d the adjoint:
//   d_bias = sum d, d_weight = sum d z, d_in = d weight / sqrt(v),
//   d_mean = -d_bias weight / sqrt(v), d_variance = -d_weight weight / (2 v),
// with sums over the batch. What the mean and the variance owe to `in` is
// their own gradient's.
void BatchNormOp::BuildGradient(GradientBuilder& gradient) const {
  const NodeId x = gradient.input(0), mean = gradient.input(1),
               variance = gradient.input(2), d = gradient.output_gradient();
  const bool affine = gradient.input_count() > 3;
  const bool needs_sums = gradient.Needs(1) || gradient.Needs(2) ||
                          (affine && (gradient.Needs(3) || gradient.Needs(4)));
  const ScalarExpr inverse = 1 / Sqrt(Arg(0) + eps_);
  // Of the variance and, where there is one, the weight.
  std::vector<NodeId> of_scale = {variance};
  if (affine) of_scale.push_back(gradient.input(3));
  NodeId scale = -1;
  if (gradient.Needs(0) || gradient.Needs(1)) {
    scale = gradient.Add(
        Pointwise("scale", affine ? Arg(1) / Sqrt(Arg(0) + eps_) : inverse),
        of_scale, "d_scale");
  }
  if (gradient.Needs(0)) {
    gradient.Set(0, gradient.Add(std::make_shared<ChannelAffineOp>(),
                                 {d, scale}, "d_input"));
  }
  if (!needs_sums) return;

  const NodeId d_bias =
      gradient.Add(std::make_shared<BatchSumOp>(), {d}, "d_bias");
  const NodeId inverse_std = gradient.Add(Pointwise("inverse_std", inverse),
                                          {variance}, "inverse_std");
  const NodeId offset = gradient.Add(Pointwise("offset", -(Arg(0) * Arg(1))),
                                     {mean, inverse_std}, "minus_mean");
  const NodeId normalized =
      gradient.Add(std::make_shared<ChannelAffineOp>(),
                   {x, inverse_std, offset}, "normalized");
  const NodeId terms = gradient.Add(Pointwise("product", Arg(0) * Arg(1)),
                                    {d, normalized}, "d_weight_terms");
  const NodeId d_weight =
      gradient.Add(std::make_shared<BatchSumOp>(), {terms}, "d_weight");
  if (affine && gradient.Needs(3)) gradient.Set(3, d_weight);
  if (affine && gradient.Needs(4)) gradient.Set(4, d_bias);
  if (gradient.Needs(1)) {
    gradient.Set(1, gradient.Add(Pointwise("d_mean", -(Arg(0) * Arg(1))),
                                 {d_bias, scale}, "d_mean"));
  }
  if (gradient.Needs(2)) {
    ScalarExpr value = -0.5 * Arg(0) / (Arg(1) + eps_);
    std::vector<NodeId> inputs = {d_weight, variance};
    if (affine) {
      value = value * Arg(2);
      inputs.push_back(gradient.input(3));
    }
    gradient.Set(2,
                 gradient.Add(Pointwise("d_variance", value), inputs, "d_var"));
  }
}

FlopCount BatchNormOp::Flops(absl::Span<const TensorType> inputs,
                             const TensorType& output) const {
  const int64_t operations = inputs.size() > 3 ? 3 : 2;
  return {operations * ElementCount(output.shape), 0};
}

// N is the number of values of a channel: samples that carry weight times
// positions.
Math BatchMeanOp::Formula(const FormulaScope& names) const {
  const std::string i = ChannelIndex(names.InShape(0));
  return names.Write(
      absl::StrCat("$out[c] = sum over the batch of $0[", i, "] / N"),
      absl::StrCat("$out[c] = \\frac{1}{N} \\sum_{\\text{batch}} $0[", i, "]"));
}

Math BatchMeanGradOp::Formula(const FormulaScope& names) const {
  const std::string i = ChannelIndex(names.OutShape());
  return names.Write(absl::StrCat("$out[", i, "] = $0[c] / N"),
                     absl::StrCat("$out[", i, "] = \\frac{1}{N} $0[c]"));
}

Math BatchVarianceOp::Formula(const FormulaScope& names) const {
  const std::string i = ChannelIndex(names.InShape(0));
  return names.Write(
      absl::StrCat("$out[c] = sum over the batch of ($0[", i,
                   "] - $1[c])^2 / N"),
      absl::StrCat("$out[c] = \\frac{1}{N} \\sum_{\\text{batch}} ($0[", i,
                   "] - $1[c])^2"));
}

Math BatchVarianceGradOp::Formula(const FormulaScope& names) const {
  const std::string i = ChannelIndex(names.OutShape());
  return names.Write(
      absl::StrCat("$out[", i, "] = 2 * $0[c] * ($1[", i, "] - $2[c]) / N"),
      absl::StrCat("$out[", i, "] = \\frac{2}{N} $0[c]\\, ($1[", i,
                   "] - $2[c])"));
}

Math UnbiasedVarianceOp::Formula(const FormulaScope& names) const {
  return names.Write("$out[c] = $0[c] * N / (N - 1)",
                     "$out[c] = \\frac{N}{N - 1} $0[c]");
}

Math BatchNormOp::Formula(const FormulaScope& names) const {
  const std::string i = ChannelIndex(names.OutShape());
  const bool affine = names.input_count() > 3;
  const std::string eps = NumberText(eps_);
  return names.Write(
      absl::StrCat("$out[", i, "] = ($0[", i, "] - $1[c]) / sqrt($2[c] + ", eps,
                   ")", affine ? " * $3[c] + $4[c]" : ""),
      absl::StrCat("$out[", i, "] = \\frac{$0[", i,
                   "] - $1[c]}{\\sqrt{$2[c] + ", eps, "}}",
                   affine ? "\\, $3[c] + $4[c]" : ""));
}

}  // namespace kiln
