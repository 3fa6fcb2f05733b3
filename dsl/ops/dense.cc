#include "dsl/ops/dense.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"
#include "dsl/ops/batch_sum.h"

namespace kiln {

absl::StatusOr<TensorType> DenseOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const TensorType& input = inputs[0];
  const Shape& weight = inputs[1].shape;
  if (input.shape.size() != 1 || !input.per_sample ||
      input.dtype != DType::kFloat32) {
    const char* hint = input.shape.size() == 3 ? "; flatten it first" : "";
    return absl::InvalidArgumentError(
        absl::StrCat("a dense layer needs a vector of features, not ",
                     TypeString(input), hint));
  }
  if (weight.size() != 2 || inputs[1].per_sample ||
      weight[1] != input.shape[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("the weight ", ShapeString(weight), " is not {out, ",
                     input.shape[0], "}"));
  }
  if (inputs.size() > 2 &&
      (inputs[2].shape != Shape{weight[0]} || inputs[2].per_sample)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the bias is ", ShapeString(inputs[2].shape), ", not ", weight[0]));
  }
  return TensorType{{weight[0]}, DType::kFloat32, true};
}

void DenseOp::BuildGradient(GradientBuilder& gradient) const {
  const NodeId input = gradient.input(0), weight = gradient.input(1),
               d_output = gradient.output_gradient();
  if (gradient.Needs(1)) {
    gradient.Set(1, gradient.Add(std::make_shared<DenseWeightGradOp>(),
                                 {input, d_output}, "d_weight"));
  }
  const bool has_bias = gradient.input_count() > 2;
  if (has_bias && gradient.Needs(2)) {
    gradient.Set(
        2, gradient.Add(std::make_shared<BatchSumOp>(), {d_output}, "d_bias"));
  }
  if (gradient.Needs(0)) {
    gradient.Set(0, gradient.Add(std::make_shared<DenseInputGradOp>(),
                                 {d_output, weight}, "d_input"));
  }
}

FlopCount DenseOp::Flops(absl::Span<const TensorType> inputs,
                         const TensorType& output) const {
  const int64_t multiply_adds = ElementCount(inputs[1].shape);
  const int64_t additions_saved =
      inputs.size() > 2
          ? 0
          : ElementCount(output.shape);  // no bias: n - 1 additions
  return {2 * multiply_adds - additions_saved, 2 * multiply_adds};
}

absl::StatusOr<TensorType> DenseInputGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const Shape& weight = inputs[1].shape;
  if (weight.size() != 2 || inputs[0].shape != Shape{weight[0]}) {
    return absl::InvalidArgumentError(
        absl::StrCat("the adjoint ", ShapeString(inputs[0].shape),
                     " does not belong to weight ", ShapeString(weight)));
  }
  return TensorType{{weight[1]}, DType::kFloat32, true};
}

FlopCount DenseInputGradOp::Flops(absl::Span<const TensorType> inputs,
                                  const TensorType&) const {
  const int64_t flops = 2 * ElementCount(inputs[1].shape);
  return {flops, flops};
}

absl::StatusOr<TensorType> DenseWeightGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (inputs[0].shape.size() != 1 || inputs[1].shape.size() != 1) {
    return absl::InvalidArgumentError(
        "the gradient of a dense weight needs two vectors");
  }
  return TensorType{
      {inputs[1].shape[0], inputs[0].shape[0]}, DType::kFloat32, false};
}

FlopCount DenseWeightGradOp::Flops(absl::Span<const TensorType>,
                                   const TensorType& output) const {
  const int64_t flops = 2 * ElementCount(output.shape);
  return {flops, flops};
}

Math DenseOp::Formula(const FormulaScope& names) const {
  const Math sum = SumOver({{"i", names.InShape(0)[0]}});
  const char* bias = names.input_count() > 2 ? " + $2[o]" : "";
  return names.Write(
      absl::StrCat("$out[o] = ", sum.text, "$1[o,i] * $0[i]", bias),
      absl::StrCat("$out[o] = ", sum.latex, "$1[o,i]\\, $0[i]", bias));
}

Math DenseInputGradOp::Formula(const FormulaScope& names) const {
  const Math sum = SumOver({{"o", names.InShape(0)[0]}});
  return names.Write(absl::StrCat("$out[i] = ", sum.text, "$1[o,i] * $0[o]"),
                     absl::StrCat("$out[i] = ", sum.latex, "$1[o,i]\\, $0[o]"));
}

Math DenseWeightGradOp::Formula(const FormulaScope& names) const {
  return names.Write("$out[o,i] = $1[o] * $0[i]", "$out[o,i] = $1[o]\\, $0[i]");
}

}  // namespace kiln
