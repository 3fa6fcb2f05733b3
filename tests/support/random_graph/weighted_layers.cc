#include "tests/support/random_graph/weighted_layers.h"

#include <cmath>
#include <memory>
#include <vector>

#include "dsl/ops/channel_affine.h"
#include "dsl/ops/dense.h"
#include "tests/support/random_graph/pointwise.h"

namespace kiln::random_graph {
namespace {

// A formula of one or two tensors of weights, about as large as they are and of
// both signs. Each influences it whichever is larger.
Formula WeightFormula(Draft& draft, int arity) {
  const ScalarExpr a = Arg(0), b = Arg(arity - 1), y = Arg(arity);
  const double c = draft.Constant();
  if (arity == 1) {
    switch (draft.Below(5)) {
      case 0:
        return {Tanh(c * a), {c * (1 - y * y)}};
      case 1:
        return {c * a};
      case 2:
        return {Max(a, c * a)};
      case 3:
        return {a / (1.5 + a * a)};
      default:
        return {a * Sigmoid(a), {Sigmoid(a) * (1 + a - y)}};
    }
  }
  switch (draft.Below(5)) {
    case 0:
      return {a + c * Tanh(b)};
    case 1:
      return {a * Exp(b), {Exp(b), y}};
    case 2:
      return {Select(Greater(a, b), a, std::abs(c) * b) + 0.5 * (a + b)};
    case 3:
      return {Min(a, std::abs(c) * b) + 0.5 * (a + b)};
    default:
      return {a * (1 + c * b)};
  }
}

Tensor NewParameter(Draft& draft, const Shape& shape, const char* role) {
  const bool frozen = AnyFrozen(draft);
  const Value value = draft.model().Parameter(
      draft.Name(role),
      {shape, Initializer::Uniform(-1, 1), frozen, draft.Chance(20) ? 0.5 : 1});
  return {value, !frozen};
}

Tensor Weight(Draft& draft, const Shape& shape, const char* role) {
  std::vector<Tensor> same_shape;
  for (const Tensor& tensor : draft.tensors()) {
    if (draft.ShapeOf(tensor.value) == shape) same_shape.push_back(tensor);
  }
  if (!same_shape.empty() && draft.Chance(70)) {
    draft.Note("shared weight");
    return draft.OneOf(same_shape);
  }
  Tensor tensor = NewParameter(draft, shape, role);
  draft.AddTensor(tensor);
  if (draft.Chance(70)) return tensor;
  // What the layer reads is made of one or two parameters.
  std::vector<Value> parts = {tensor.value};
  if (draft.Chance(40)) {
    const Tensor other = NewParameter(draft, shape, role);
    parts.push_back(other.value);
    tensor.trained = tensor.trained || other.trained;
    draft.Note("weight of two parameters");
  }
  const Formula formula = WeightFormula(draft, static_cast<int>(parts.size()));
  tensor.value = draft.model().Pointwise("of_weight", parts, formula.value,
                                         formula.partials);
  draft.Note("activation of a parameter");
  draft.AddTensor(tensor);
  return tensor;
}

}  // namespace

bool AnyFrozen(Draft& draft) {
  const bool frozen = draft.Chance(12);
  if (frozen) draft.Note("frozen parameter");
  return frozen;
}

int AddWeighted(Draft& draft, int item, const OpPtr& op, const char* kind,
                const Shape& shape) {
  const Tensor weight = Weight(draft, shape, "weight");
  bool trained = draft.trained(item) || weight.trained;
  std::vector<Value> inputs = {draft.value(item), weight.value};
  if (draft.Chance(60)) {
    const Tensor bias = Weight(draft, {shape[0]}, "bias");
    trained = trained || bias.trained;
    inputs.push_back(bias.value);
  }
  auto apply = [&](Value) { return draft.model().Apply(kind, op, inputs); };
  return draft.KeepTwice(item, apply, trained, Sign::kMixed);
}

int AddDense(Draft& draft, int item, int64_t out) {
  const int64_t in = draft.Elements(item);
  if (draft.Chance(40)) {
    const bool frozen = AnyFrozen(draft);
    const bool trained = draft.trained(item) || !frozen;
    const Value value = draft.model().Dense(
        draft.Name("dense"), draft.Read(item),
        {.out = out, .bias = draft.Chance(75), .frozen = frozen});
    return draft.Keep(value, trained, Sign::kMixed);
  }
  return AddWeighted(draft, item, std::make_shared<DenseOp>(), "dense",
                     {out, in});
}

int AddAnyDense(Draft& draft, int item) {
  const int64_t in = draft.Elements(item);
  std::vector<int64_t> outs = {draft.Between(1, 20)};
  for (const Tensor& tensor : draft.tensors()) {
    const Shape shape = draft.ShapeOf(tensor.value);
    if (shape.size() == 2 && shape[1] == in) outs.push_back(shape[0]);
  }
  return AddDense(draft, item, draft.OneOf(outs));
}

int AddChannelAffine(Draft& draft, int item) {
  return AddWeighted(draft, item, std::make_shared<ChannelAffineOp>(), "affine",
                     {draft.ShapeOf(item)[0]});
}

}  // namespace kiln::random_graph
