#include "dsl/ops/concat.h"

#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

// One select an input, over an index that no vector runs along. Each input is
// read inside its own extent whatever the index is.
Lowered LowerConcat(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  const Var first = vars.back();  // channels or features: outermost
  Expr value;
  int end = static_cast<int>(node.type.shape[0]);
  for (int i = static_cast<int>(node.inputs.size()) - 1; i >= 0; --i) {
    const int count = static_cast<int>(lowering.type(node.inputs[i]).shape[0]);
    const int begin = end - count;
    std::vector<Expr> at = Exprs(vars);
    at.back() = Halide::clamp(first - begin, 0, count - 1);
    const Expr part = lowering.input(node, i)(at);
    // In the loop over the first axis the condition is decided piece by piece.
    value = value.defined()
                ? Halide::select(first < end, Halide::likely(part), value)
                : part;
    end = begin;
  }
  Func concat(CName(node.name));
  concat(vars) = value;

  StoreRoot(lowering, concat, node.type.shape);
  return {concat};
}

Lowered LowerConcatGrad(Lowering& lowering, const Node& node) {
  const auto& op = static_cast<const ConcatGradOp&>(*node.op);
  const std::vector<Var> vars = SampleVars(node.type);
  std::vector<Expr> at = Exprs(vars);
  at.back() += static_cast<int>(op.begin());
  Func part(CName(node.name));
  part(vars) = lowering.input(node, 0)(at);

  StoreRoot(lowering, part, node.type.shape);
  return {part};
}

}  // namespace kiln
