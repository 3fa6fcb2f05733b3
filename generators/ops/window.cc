#include "generators/ops/window.h"

#include "generators/math.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

Expr WindowElement(const Lowering& lowering, const Node& node,
                   const PoolGeometry& g, int rx, int ry, const Expr& outside) {
  const Var n("n"), x("x"), y("y"), c("c");
  const Shape& shape = lowering.type(node.inputs[0]).shape;
  const int width = static_cast<int>(shape[2]),
            height = static_cast<int>(shape[1]);
  const Expr ix = x * static_cast<int>(g.stride.width) + rx -
                  static_cast<int>(g.padding.width);
  const Expr iy = y * static_cast<int>(g.stride.height) + ry -
                  static_cast<int>(g.padding.height);
  Func input = lowering.input(node, 0);
  if (g.padding == Size2(0)) return input(n, ix, iy, c);
  const Expr inside = ix >= 0 && ix < width && iy >= 0 && iy < height;
  return Halide::select(inside,
                        input(n, Halide::clamp(ix, 0, width - 1),
                              Halide::clamp(iy, 0, height - 1), c),
                        outside);
}

Expr SumOverWindows(
    const Lowering& lowering, const Node& node, const PoolGeometry& g,
    const std::function<Expr(const Expr&, const Expr&, const Expr&)>& term) {
  const Var x("x"), y("y");
  const Shape& windows = lowering.type(node.inputs.back()).shape;
  const int columns = static_cast<int>(windows[2]),
            rows = static_cast<int>(windows[1]);
  const int sx = static_cast<int>(g.stride.width),
            sy = static_cast<int>(g.stride.height);
  const int kw = static_cast<int>(g.kernel.width),
            kh = static_cast<int>(g.kernel.height);
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  // Position x is element x + padding - s wx of window wx: the last window that
  // covers it, and those before.
  const Expr from_x = x + static_cast<int>(g.padding.width),
             from_y = y + static_cast<int>(g.padding.height);
  Expr sum;
  for (int j = 0; j * sy < kh; ++j) {
    for (int i = 0; i * sx < kw; ++i) {
      const Expr wx = from_x / sx - i, wy = from_y / sy - j;
      const Expr rx = from_x % sx + i * sx, ry = from_y % sy + j * sy;
      const Expr value = term(Halide::clamp(wx, 0, columns - 1),
                              Halide::clamp(wy, 0, rows - 1), ry * kw + rx);
      const Expr covers =
          wx >= 0 && wx < columns && wy >= 0 && wy < rows && rx < kw && ry < kh;
      const Expr counted = Halide::select(covers, value, zero);
      sum = sum.defined() ? StrictAdd(sum, counted) : counted;
    }
  }
  return sum;
}

Lowered FinishWindowGradient(const Lowering& lowering, const Node& node,
                             const PoolGeometry& g, Func d_input) {
  const int period_x = static_cast<int>(g.stride.width),
            period_y = static_cast<int>(g.stride.height);
  if (lowering.fast() && lowering.OnlyFeedsPointwise(node))
    return {d_input, nullptr, period_x, period_y};
  StoreRoot(lowering, d_input, node.type.shape);
  if (lowering.fast())
    UnrollPeriods(lowering, d_input, node.type, period_x, period_y);
  return {d_input};
}

}  // namespace kiln
