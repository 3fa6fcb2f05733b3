#include "dsl/ops/avg_pool.h"

#include "generators/math.h"
#include "generators/ops/window.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Expr InverseArea(const Lowering& lowering, const PoolGeometry& g) {
  return Halide::Internal::make_const(
      lowering.real(),
      1.0 / static_cast<double>(g.kernel.height * g.kernel.width));
}

}  // namespace

Lowered LowerAvgPool(Lowering& lowering, const Node& node) {
  const Var n("n"), x("x"), y("y"), c("c");
  const PoolGeometry& g = static_cast<const AvgPoolOp&>(*node.op).geometry();
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  Expr sum;
  for (int ry = 0; ry < g.kernel.height; ++ry) {
    for (int rx = 0; rx < g.kernel.width; ++rx) {
      const Expr value = WindowElement(lowering, node, g, rx, ry, zero);
      sum = sum.defined() ? StrictAdd(sum, value) : value;
    }
  }
  Func pooled(CName(node.name));
  pooled(n, x, y, c) = StrictMul(sum, InverseArea(lowering, g));

  StoreRoot(lowering, pooled, node.type.shape);
  return {pooled};
}

Lowered LowerAvgPoolGrad(Lowering& lowering, const Node& node) {
  const Var n("n"), x("x"), y("y"), c("c");
  const PoolGeometry& g =
      static_cast<const AvgPoolGradOp&>(*node.op).geometry();
  Func d_output = lowering.input(node, 0);
  Func d_input(CName(node.name));
  d_input(n, x, y, c) = StrictMul(
      InverseArea(lowering, g),
      SumOverWindows(lowering, node, g,
                     [&](const Expr& wx, const Expr& wy, const Expr&) {
                       return d_output(n, wx, wy, c);
                     }));

  return FinishWindowGradient(lowering, node, g, d_input);
}

}  // namespace kiln
