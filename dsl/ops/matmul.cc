#include "dsl/ops/matmul.h"

#include "absl/strings/str_cat.h"
#include "dsl/formula.h"

namespace kiln {
namespace {

absl::Status Mismatch(absl::string_view what,
                      absl::Span<const TensorType> inputs) {
  std::string types;
  for (const TensorType& input : inputs)
    absl::StrAppend(&types, types.empty() ? "" : ", ", TypeString(input));
  return absl::InvalidArgumentError(
      absl::StrCat(what, " does not take ", types));
}

bool AreParameters(absl::Span<const TensorType> inputs) {
  for (const TensorType& input : inputs) {
    if (input.per_sample || input.dtype != DType::kFloat32) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<TensorType> MatmulOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const Shape &a = inputs[0].shape, &b = inputs[1].shape;
  if (!AreParameters(inputs) || a.size() != 2 || b.size() != 2 || a[1] != b[0])
    return Mismatch("a product of matrices", inputs);
  return TensorType{{a[0], b[1]}, DType::kFloat32, false};
}

FlopCount MatmulOp::Flops(absl::Span<const TensorType> inputs,
                          const TensorType& output) const {
  return {ElementCount(output.shape) * (2 * inputs[0].shape[1] - 1), 0};
}

absl::StatusOr<TensorType> MatvecOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const Shape &a = inputs[0].shape, &b = inputs[1].shape;
  if (!AreParameters(inputs) || a.size() != 2 || b != Shape{a[1]} ||
      (inputs.size() > 2 && inputs[2].shape != Shape{a[0]}))
    return Mismatch("a product of a matrix and a vector", inputs);
  return TensorType{{a[0]}, DType::kFloat32, false};
}

FlopCount MatvecOp::Flops(absl::Span<const TensorType> inputs,
                          const TensorType& output) const {
  const int64_t terms = 2 * inputs[0].shape[1] - (inputs.size() > 2 ? 0 : 1);
  return {ElementCount(output.shape) * terms, 0};
}

absl::StatusOr<TensorType> ScaleRowsOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const Shape &a = inputs[0].shape, &s = inputs[1].shape;
  if (!AreParameters(inputs) || a.empty() || s != Shape{a[0]})
    return Mismatch("a product of rows and numbers", inputs);
  return inputs[0];
}

FlopCount ScaleRowsOp::Flops(absl::Span<const TensorType>,
                             const TensorType& output) const {
  return {ElementCount(output.shape), 0};
}

Math MatmulOp::Formula(const FormulaScope& names) const {
  const Math sum = SumOver({{"h", names.InShape(1)[0]}});
  return names.Write(
      absl::StrCat("$out[o,i] = ", sum.text, "$0[o,h] * $1[h,i]"),
      absl::StrCat("$out[o,i] = ", sum.latex, "$0[o,h]\\, $1[h,i]"));
}

Math MatvecOp::Formula(const FormulaScope& names) const {
  const Math sum = SumOver({{"h", names.InShape(1)[0]}});
  const char* bias = names.input_count() > 2 ? " + $2[o]" : "";
  return names.Write(
      absl::StrCat("$out[o] = ", sum.text, "$0[o,h] * $1[h]", bias),
      absl::StrCat("$out[o] = ", sum.latex, "$0[o,h]\\, $1[h]", bias));
}

Math ScaleRowsOp::Formula(const FormulaScope& names) const {
  const std::string i = IndexOf(names.OutShape());
  const std::string row = i.substr(0, 1);
  return names.Write(
      absl::StrCat("$out[", i, "] = $0[", i, "] * $1[", row, "]"),
      absl::StrCat("$out[", i, "] = $0[", i, "]\\, $1[", row, "]"));
}

}  // namespace kiln
