#include "dsl/ops/pointwise.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/derivative_check.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"

namespace kiln {
namespace {

// Texts and emitted code have every operation of the tree. Formulas have some
// dozens; one that reads its own large parts again and again has more than can
// be printed.
constexpr int64_t kMostOperations = 1 << 16;

}  // namespace

PointwiseOp::PointwiseOp(std::string label, ScalarExpr value,
                         std::vector<ScalarExpr> partials)
    : label_(std::move(label)),
      value_(std::move(value)),
      partials_(std::move(partials)) {
  const int count = static_cast<int>(partials_.size());
  const bool can_be_read =
      ArgCount(value_) <= count &&
      std::all_of(partials_.begin(), partials_.end(), [&](const ScalarExpr& p) {
        return ArgCount(p) <= count + 1;
      });
  // InferType has messages of its own for the others.
  if (can_be_read)
    partials_status_ = CheckDeclaredDerivatives(value_, partials_);
}

std::string PointwiseOp::Attributes() const {
  const std::string value = absl::StrCat(label_, "(", value_.ToString(), ")");
  if (partials_.empty()) return value;
  auto append = [](std::string* text, const ScalarExpr& partial) {
    absl::StrAppend(text, partial.ToString());
  };
  return absl::StrCat(value, " partials=(",
                      absl::StrJoin(partials_, ", ", append), ")");
}

absl::StatusOr<TensorType> PointwiseOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (inputs.empty())
    return absl::InvalidArgumentError("a pointwise op needs an input");
  const bool is_large =
      OperationCount(value_) > kMostOperations ||
      std::any_of(partials_.begin(), partials_.end(), [](const ScalarExpr& p) {
        return OperationCount(p) > kMostOperations;
      });
  if (is_large) {
    return absl::InvalidArgumentError(
        absl::StrCat("written out, the expression or a declared derivative has "
                     "more than ",
                     kMostOperations, " operations; make it several layers"));
  }
  const int count = static_cast<int>(inputs.size());
  if (ArgCount(value_) > count) {
    return absl::InvalidArgumentError(
        absl::StrCat("the expression ", value_.ToString(), " reads a",
                     ArgCount(value_) - 1, " of ", count, " inputs"));
  }
  if (!partials_.empty() && partials_.size() != inputs.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        partials_.size(), " derivatives are declared for ", count, " inputs"));
  }
  for (const ScalarExpr& partial : partials_) {
    if (ArgCount(partial) > count + 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the derivative ", partial.ToString(),
                       " reads more than the inputs and the output"));
    }
  }
  if (!partials_status_.ok()) return partials_status_;
  for (const TensorType& input : inputs) {
    if (input.dtype != DType::kFloat32 || input != inputs[0]) {
      return absl::InvalidArgumentError(
          absl::StrCat("pointwise inputs must agree: ", TypeString(inputs[0]),
                       " and ", TypeString(input)));
    }
  }
  return inputs[0];
}

void PointwiseOp::BuildGradient(GradientBuilder& gradient) const {
  const int count = gradient.input_count();
  for (int i = 0; i < count; ++i) {
    if (!gradient.Needs(i)) continue;
    const ScalarExpr partial =
        partials_.empty() ? Derivative(value_, i) : partials_[i];
    if (partial.IsConstant(0)) continue;
    if (partial.IsConstant(1)) {
      gradient.Set(i, gradient.output_gradient());
      continue;
    }
    // The adjoint reads only the values that its derivative names: they become
    // Arg(1), Arg(2), ...
    std::vector<NodeId> inputs = {gradient.output_gradient()};
    std::vector<ScalarExpr> renamed;
    for (int arg = 0; arg <= count; ++arg) {
      renamed.push_back(Arg(static_cast<int>(inputs.size())));
      if (DependsOn(partial, arg))
        inputs.push_back(arg < count ? gradient.input(arg) : gradient.node());
    }
    const ScalarExpr value = Arg(0) * Substitute(partial, renamed);
    const std::string role =
        count == 1 ? "d_input" : absl::StrCat("d_input", i);
    gradient.Set(i, gradient.Add(std::make_shared<PointwiseOp>(
                                     absl::StrCat("d_", label_), value),
                                 inputs, role));
  }
}

FlopCount PointwiseOp::Flops(absl::Span<const TensorType>,
                             const TensorType& output) const {
  return {ElementCount(output.shape) * OperationCount(value_), 0};
}

Math PointwiseOp::Formula(const FormulaScope& names) const {
  std::vector<Math> args;
  for (int i = 0; i < names.input_count(); ++i) args.push_back(names.In(i));
  const Math value = Render(value_, args, label_), out = names.Out();
  return {absl::StrCat(out.text, " = ", value.text),
          absl::StrCat(out.latex, " = ", value.latex)};
}

}  // namespace kiln
