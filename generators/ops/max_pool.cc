#include "dsl/ops/max_pool.h"

#include <limits>

#include "dsl/pooled_mask.h"
#include "generators/math.h"
#include "generators/ops/window.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

struct Maximum {
  Expr value, place;
};

// Scans the window of output (x, y) in row-major order; a later element wins
// only if it is larger, or NaN.
Maximum ScanWindow(const Lowering& lowering, const Node& node,
                   const PoolGeometry& g) {
  const Expr lowest = Halide::Internal::make_const(
      lowering.real(), -std::numeric_limits<double>::infinity());
  Maximum best{lowest, Expr(0)};
  for (int ry = 0; ry < g.kernel.height; ++ry) {
    for (int rx = 0; rx < g.kernel.width; ++rx) {
      const Expr value = WindowElement(lowering, node, g, rx, ry, lowest);
      if (rx == 0 && ry == 0 && g.padding == Size2(0)) {
        best.value = value;
        continue;
      }
      const Expr wins = IsGreater(value, best.value) || IsNan(value);
      best.place = Halide::select(
          wins, static_cast<int>(ry * g.kernel.width + rx), best.place);
      best.value = SelectBits(wins, value, best.value);
    }
  }
  return best;
}

}  // namespace

Lowered LowerMaxPool(Lowering& lowering, const Node& node) {
  const Var n("n"), x("x"), y("y"), c("c");
  const PoolGeometry& g = static_cast<const MaxPoolOp&>(*node.op).geometry();
  Func pooled(CName(node.name));
  pooled(n, x, y, c) = ScanWindow(lowering, node, g).value;

  StoreRoot(lowering, pooled, node.type.shape);
  return {pooled};
}

Lowered LowerMaxPoolIndex(Lowering& lowering, const Node& node) {
  const Var n("n"), x("x"), y("y"), c("c");
  const PoolGeometry& g =
      static_cast<const MaxPoolIndexOp&>(*node.op).geometry();
  Func index(CName(node.name));
  index(n, x, y, c) = ScanWindow(lowering, node, g).place;

  StoreRoot(lowering, index, node.type.shape);
  // One pass over the input gives both the maximum and its place.
  const NodeId id = lowering.IdOf(node),
               maximum = MaximumBefore(lowering.graph(), id, id);
  if (lowering.fast() && maximum >= 0)
    index.compute_with(lowering.func(maximum), x);
  return {index};
}

Lowered LowerMaxPoolGrad(Lowering& lowering, const Node& node) {
  const Var n("n"), x("x"), y("y"), c("c");
  const PoolGeometry& g =
      static_cast<const MaxPoolGradOp&>(*node.op).geometry();
  Func index = lowering.input(node, 0), d_output = lowering.input(node, 1);
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  Func d_input(CName(node.name));
  d_input(n, x, y, c) =
      SumOverWindows(lowering, node, g,
                     [&](const Expr& wx, const Expr& wy, const Expr& place) {
                       return Halide::select(index(n, wx, wy, c) == place,
                                             d_output(n, wx, wy, c), zero);
                     });

  return FinishWindowGradient(lowering, node, g, d_input);
}

}  // namespace kiln
