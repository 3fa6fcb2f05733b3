// Sources: the gather from the data set, fused into whatever reads it first.
#include "dsl/ops/input.h"

#include <utility>

#include "generators/math.h"
#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

Lowered LowerInput(Lowering& lowering, const Node& node) {
  const auto& op = static_cast<const InputOp&>(*node.op);
  const Argument& argument = lowering.argument(ArgumentKind::kData, node.name);
  Func data = lowering.inputs().Buffer(argument);
  const std::vector<Var> vars = SampleVars(node.type);

  std::vector<Expr> at(vars.begin() + 1, vars.end());
  at.push_back(lowering.SampleRow(vars[0], argument));
  const auto value_of = [&](Expr stored) {
    const Expr value = Halide::cast(lowering.real(), std::move(stored));
    return op.format().scale == 1
               ? value
               : StrictMul(value, Halide::Internal::make_const(
                                      lowering.real(), op.format().scale));
  };
  // Transposed as they are stored: bytes take a quarter of the shuffles.
  Func rows(CName(node.name) + "_rows"),
      gathered(CName(node.name) + "_gathered");
  rows(vars) = data(at);
  gathered(vars) = value_of(rows(Exprs(vars)));
  if (vars.size() == 2) {
    // For readers with features as lanes, in the data set's own order.
    const std::string name = CName(node.name) + "_features";
    Func& features = lowering.shared(name);
    features = Func(name);
    features(vars[1], vars[0]) = value_of(data(at));
  }

  if (lowering.fast() && lowering.block() > 1 && vars.size() > 1) {
    StoreTransposed(lowering, gathered, vars[0], lowering.block(), rows,
                    vars[1], node.type.shape.back());
  } else {
    StoreRoot(lowering, gathered, node.type.shape);
  }
  return {gathered};
}

Lowered LowerTarget(Lowering& lowering, const Node& node) {
  const Argument& argument =
      lowering.argument(ArgumentKind::kTarget, node.name);
  Func data = lowering.inputs().Buffer(argument);
  const std::vector<Var> vars = SampleVars(node.type);

  std::vector<Expr> at(vars.begin() + 1, vars.end());
  at.push_back(lowering.SampleRow(vars[0], argument));
  Func gathered(CName(node.name) + "_gathered");
  gathered(vars) = node.type.dtype == DType::kInt32
                       ? data(at)
                       : Halide::cast(lowering.real(), data(at));

  gathered.compute_root();
  return {gathered};
}

}  // namespace kiln
