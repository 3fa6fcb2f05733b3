// What the poolings share: reading a window, and distributing an adjoint over
// the windows that cover a position.
#ifndef KILN_GENERATORS_OPS_WINDOW_H_
#define KILN_GENERATORS_OPS_WINDOW_H_

#include <functional>

#include "dsl/ops/max_pool.h"
#include "generators/lowering.h"

namespace kiln {

// Element (rx, ry) of the window of output position (n, x, y, c); `outside`
// where that lies in the padding.
Halide::Expr WindowElement(const Lowering& lowering, const Node& node,
                           const PoolGeometry& g, int rx, int ry,
                           const Halide::Expr& outside);

// The sum over the windows (wx, wy) that cover input position (n, x, y, c) of
// term(wx, wy, place), with `place` the position's row-major place in that
// window.
Halide::Expr SumOverWindows(const Lowering& lowering, const Node& node,
                            const PoolGeometry& g,
                            const std::function<Halide::Expr(
                                const Halide::Expr& wx, const Halide::Expr& wy,
                                const Halide::Expr& place)>& term);

// Inlines a pooling's gradient into a pointwise consumer, else stores it.
Lowered FinishWindowGradient(const Lowering& lowering, const Node& node,
                             const PoolGeometry& g, Halide::Func d_input);

}  // namespace kiln

#endif  // KILN_GENERATORS_OPS_WINDOW_H_
