#include "dsl/ops/avg_pool.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"

namespace kiln {

absl::StatusOr<TensorType> AvgPoolOp::InferType(
    absl::Span<const TensorType> inputs) const {
  return PoolType(geometry_, inputs[0]);
}

void AvgPoolOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  auto op = std::make_shared<AvgPoolGradOp>(
      geometry_, gradient.TypeOf(gradient.input(0)).shape);
  gradient.Set(0, gradient.Add(op, {gradient.output_gradient()}, "d_input"));
}

FlopCount AvgPoolOp::Flops(absl::Span<const TensorType>,
                           const TensorType& output) const {
  // n - 1 additions and one multiplication.
  return {ElementCount(output.shape) * geometry_.kernel.height *
              geometry_.kernel.width,
          0};
}

std::string AvgPoolGradOp::Attributes() const {
  return absl::StrCat(geometry_.ToString(),
                      " input=", ShapeString(input_shape_));
}

absl::StatusOr<TensorType> AvgPoolGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const TensorType input{input_shape_, DType::kFloat32, true};
  absl::StatusOr<TensorType> output = PoolType(geometry_, input);
  if (!output.ok()) return output.status();
  if (inputs[0] != *output)
    return absl::InvalidArgumentError(
        "the adjoint does not belong to the pooled image");
  return input;
}

FlopCount AvgPoolGradOp::Flops(absl::Span<const TensorType> inputs,
                               const TensorType&) const {
  return {ElementCount(inputs[0].shape) * geometry_.kernel.height *
              geometry_.kernel.width,
          0};
}

Math AvgPoolOp::Formula(const FormulaScope& names) const {
  const PoolGeometry& g = geometry_;
  const Math sum = SumOver({{"r", g.kernel.height}, {"s", g.kernel.width}});
  const int64_t count = g.kernel.height * g.kernel.width;
  const std::string read = absl::StrCat(
      "$0[c,", WindowIndex("y", "r", g.stride.height, g.padding.height), ",",
      WindowIndex("x", "s", g.stride.width, g.padding.width), "]");
  return names.Write(
      absl::StrCat("$out[c,y,x] = 1/", count, " * ", sum.text, read),
      absl::StrCat("$out[c,y,x] = \\frac{1}{", count, "} ", sum.latex, read));
}

Math AvgPoolGradOp::Formula(const FormulaScope& names) const {
  const Shape& out = names.InShape(0);
  const int64_t count = geometry_.kernel.height * geometry_.kernel.width;
  const Math sum = SumOver({{"y", out[1]}, {"x", out[2]}});
  return names.Write(
      absl::StrCat("$out[c,i,j] = 1/", count, " * ", sum.text,
                   "[window y,x covers i,j] * $0[c,y,x]"),
      absl::StrCat("$out[c,i,j] = \\frac{1}{", count, "} ", sum.latex,
                   "\\left[\\text{window }y,x\\text{ covers }i,j"
                   "\\right]\\, $0[c,y,x]"));
}

}  // namespace kiln
