#include "dsl/ops/softmax_cross_entropy.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"

namespace kiln {
namespace {

absl::Status CheckLogitsAndLabel(absl::Span<const TensorType> inputs) {
  const TensorType& logits = inputs[0];
  if (logits.shape.size() != 1 || !logits.per_sample ||
      logits.dtype != DType::kFloat32) {
    return absl::InvalidArgumentError(
        absl::StrCat("the logits must be a vector, not ", TypeString(logits)));
  }
  if (inputs[1] != TensorType{{}, DType::kInt32, true}) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the label must be an int32 scalar, not ", TypeString(inputs[1])));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TensorType> SoftmaxCrossEntropyOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (absl::Status status = CheckLogitsAndLabel(inputs); !status.ok())
    return status;
  return TensorType{{}, DType::kFloat32, true};
}

void SoftmaxCrossEntropyOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  gradient.Set(0, gradient.Add(std::make_shared<SoftmaxCrossEntropyGradOp>(),
                               {gradient.input(0), gradient.input(1),
                                gradient.output_gradient()},
                               "d_logits"));
}

FlopCount SoftmaxCrossEntropyOp::Flops(absl::Span<const TensorType> inputs,
                                       const TensorType&) const {
  // K - 1 to find the maximum, K subtractions, K exponentials, K - 1 additions,
  // a logarithm and a subtraction.
  return {4 * inputs[0].shape[0], 0};
}

absl::StatusOr<TensorType> SoftmaxCrossEntropyGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (absl::Status status = CheckLogitsAndLabel(inputs); !status.ok())
    return status;
  if (inputs[2] != TensorType{{}, DType::kFloat32, true}) {
    return absl::InvalidArgumentError("the adjoint of a loss is a scalar");
  }
  return inputs[0];
}

FlopCount SoftmaxCrossEntropyGradOp::Flops(absl::Span<const TensorType> inputs,
                                           const TensorType&) const {
  // The maximum, subtractions, exponentials and sum as above, a division, and
  // for each class two multiplications.
  return {6 * inputs[0].shape[0], 0};
}

absl::StatusOr<TensorType> AccuracyOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (absl::Status status = CheckLogitsAndLabel(inputs); !status.ok())
    return status;
  return TensorType{{}, DType::kFloat32, true};
}

Math SoftmaxCrossEntropyOp::Formula(const FormulaScope& names) const {
  const Math sum = SumOver({{"k", names.InShape(0)[0]}});
  return names.Write(
      absl::StrCat("$out = log(", sum.text, "exp($0[k])) - $0[$1]"),
      absl::StrCat("$out = \\log\\Bigl(", sum.latex,
                   "e^{$0[k]}\\Bigr) - $0[$1]"));
}

Math SoftmaxCrossEntropyGradOp::Formula(const FormulaScope& names) const {
  const Math sum = SumOver({{"j", names.InShape(0)[0]}});
  return names.Write(
      absl::StrCat("$out[k] = (exp($0[k]) / ", sum.text,
                   "exp($0[j]) - [k = $1]) * $2"),
      absl::StrCat("$out[k] = \\left(\\frac{e^{$0[k]}}{", sum.latex,
                   "e^{$0[j]}} - \\left[k = $1\\right]\\right)"
                   "\\cdot $2"));
}

Math AccuracyOp::Formula(const FormulaScope& names) const {
  return names.Write("$out = [the k of the first max_k $0[k] is $1]",
                     "$out = \\left[\\operatorname{argmax}_{k} $0[k] = "
                     "$1\\right]");
}

}  // namespace kiln
