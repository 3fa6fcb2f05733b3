// The activations of ModelBuilder, and what joins values.
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/ops/concat.h"
#include "dsl/ops/expand.h"
#include "dsl/ops/pointwise.h"

namespace kiln {
namespace {

OpPtr OpOf(const Activation& activation) {
  return std::make_shared<PointwiseOp>(activation.name, activation.value,
                                       activation.Partials());
}

}  // namespace

Value ModelBuilder::Activate(const std::string& activation, Value input,
                             Where where) {
  // Activations that are more than a formula of one value.
  if (activation == "prelu") return Prelu(input, {}, where);
  if (activation == "crelu") return Crelu(input, where);

  const Activation* entry = FindActivation(activation);
  if (entry == nullptr) {
    Fail(where, activation, "there is no activation of this name");
    return {};
  }
  return Add(OpOf(*entry), {input}, AutoName(entry->name), where);
}

Value ModelBuilder::Activate(const std::string& label, ScalarExpr formula,
                             Value input, Where where) {
  return Pointwise(label, {input}, std::move(formula), {}, where);
}

Value ModelBuilder::LeakyRelu(Value input, double slope, Where where) {
  const std::string name = AutoName("leaky_relu");
  if (!std::isfinite(slope)) Fail(where, name, "the slope is not finite");
  return Add(OpOf(LeakyReluActivation(slope)), {input}, name, where);
}

Value ModelBuilder::Elu(Value input, double alpha, Where where) {
  const std::string name = AutoName("elu");
  if (!std::isfinite(alpha)) Fail(where, name, "alpha is not finite");
  return Add(OpOf(EluActivation(alpha)), {input}, name, where);
}

Value ModelBuilder::Prelu(Value input, const PreluOptions& o, Where where) {
  const std::string name = AutoName("prelu");
  const std::string weight = absl::StrCat(name, ".weight");
  const Value slope = Parameter(weight,
                                {{1},
                                 Initializer::Constant(o.init),
                                 o.frozen,
                                 o.lr_multiplier,
                                 o.weight_decay_multiplier.value_or(1)},
                                where);
  if (o.weight_decay_multiplier.has_value()) own_decay_.push_back(weight);
  const Value everywhere = Add(std::make_shared<ExpandOp>(TypeOf(input).shape),
                               {slope}, absl::StrCat(name, ".slope"), where);
  const ScalarExpr x = Arg(0);
  return Add(std::make_shared<PointwiseOp>(
                 "prelu", Select(Greater(x, 0), x, Arg(1) * x)),
             {input, everywhere}, name, where);
}

Value ModelBuilder::Crelu(Value input, Where where) {
  const std::string name = AutoName("crelu");
  const ScalarExpr x = Arg(0), y = Arg(1);
  auto half = [&](const char* role, const ScalarExpr& value,
                  const ScalarExpr& partial) {
    return Add(std::make_shared<PointwiseOp>("crelu", value,
                                             std::vector<ScalarExpr>{partial}),
               {input}, absl::StrCat(name, role), where);
  };
  const Value positive = half(".positive", Max(x, 0), Greater(y, 0));
  const Value negative = half(".negative", Max(-x, 0), -Greater(y, 0));
  return Add(std::make_shared<ConcatOp>(), {positive, negative}, name, where);
}

Value ModelBuilder::Concat(const std::vector<Value>& inputs, Where where) {
  return Add(std::make_shared<ConcatOp>(), inputs, AutoName("concat"), where);
}

Value ModelBuilder::Add(const std::vector<Value>& inputs, Where where) {
  ScalarExpr sum = 0;
  for (size_t i = 0; i < inputs.size(); ++i)
    sum = sum + Arg(static_cast<int>(i));
  return Pointwise("add", inputs, sum, {}, where);
}

Value ModelBuilder::Multiply(const std::vector<Value>& inputs, Where where) {
  ScalarExpr product = 1;
  for (size_t i = 0; i < inputs.size(); ++i)
    product = product * Arg(static_cast<int>(i));
  return Pointwise("multiply", inputs, product, {}, where);
}

}  // namespace kiln
