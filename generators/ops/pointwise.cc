#include "dsl/ops/pointwise.h"

#include "generators/math.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

Lowered LowerPointwise(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = NodeVars(node.type);
  std::vector<Expr> args;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    args.push_back(lowering.input(node, static_cast<int>(i))(Exprs(vars)));
  }
  Func result(CName(node.name));
  result(vars) = Emit(static_cast<const PointwiseOp&>(*node.op).value(), args);

  const Lowered* accumulator = lowering.PendingInput(node);
  if (lowering.fast() && accumulator != nullptr) {
    result.compute_root();
    accumulator->tile(result, -1);
    return {result};
  }
  if (accumulator != nullptr) Func(accumulator->func).compute_root();
  result.compute_root();
  if (node.type.per_sample) StoreRoot(lowering, result, node.type.shape);
  if (!lowering.fast()) return {result};
  for (NodeId input : node.inputs) {
    const Lowered& inlined = lowering.lowered(input);
    UnrollPeriods(lowering, result, node.type, inlined.period_x,
                  inlined.period_y);
  }
  return {result};
}

}  // namespace kiln
