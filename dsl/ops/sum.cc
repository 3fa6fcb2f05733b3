#include "dsl/ops/sum.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"

namespace kiln {

absl::StatusOr<TensorType> SumOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (!inputs[0].per_sample || inputs[0].dtype != DType::kFloat32) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot sum ", TypeString(inputs[0])));
  }
  return TensorType{{}, DType::kFloat32, true};
}

void SumOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  auto op =
      std::make_shared<BroadcastOp>(gradient.TypeOf(gradient.input(0)).shape);
  gradient.Set(0, gradient.Add(op, {gradient.output_gradient()}, "d_input"));
}

FlopCount SumOp::Flops(absl::Span<const TensorType> inputs,
                       const TensorType&) const {
  return {ElementCount(inputs[0].shape) - 1, 0};
}

absl::StatusOr<TensorType> BroadcastOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (!inputs[0].per_sample || inputs[0].dtype != DType::kFloat32 ||
      !inputs[0].shape.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "only a scalar per sample is broadcast, not ", TypeString(inputs[0])));
  }
  return TensorType{shape_, DType::kFloat32, true};
}

void BroadcastOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  gradient.Set(0, gradient.Add(std::make_shared<SumOp>(),
                               {gradient.output_gradient()}, "d_input"));
}

Math SumOp::Formula(const FormulaScope& names) const {
  const Shape& in = names.InShape(0);
  if (in.empty()) return names.Write("$out = $0", "$out = $0");
  std::vector<Index> indices;
  for (const char name : IndexOf(in)) {
    if (name != ',')
      indices.push_back({std::string(1, name), in[indices.size()]});
  }
  const Math sum = SumOver(indices);
  const std::string read = absl::StrCat("$0[", IndexOf(in), "]");
  return names.Write(absl::StrCat("$out = ", sum.text, read),
                     absl::StrCat("$out = ", sum.latex, read));
}

Math BroadcastOp::Formula(const FormulaScope& names) const {
  const std::string equation = absl::StrCat("$out[", IndexOf(shape_), "] = $0");
  return names.Write(equation, equation);
}

}  // namespace kiln
