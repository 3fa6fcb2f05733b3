#include "generators/ops/winograd_rows.h"

#include <algorithm>

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

Winograd WinogradOf(const Conv2dGeometry& g) {
  return {kWinogradRows, static_cast<int>(g.kernel.height)};
}

int SamplesOfRow(const Lowering& lowering) {
  return std::min(lowering.block(), lowering.vector_size());
}

bool AllowsWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                    const Shape& output) {
  return lowering.fast() && lowering.real() == Halide::Float(32) &&
         (g.kernel.height == 3 || g.kernel.height == 5) &&
         g.stride == Size2(1) && output[1] % kWinogradRows == 0;
}

bool AllowsWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                    const Shape& input, const Shape& output) {
  const int samples = SamplesOfRow(lowering), vector = lowering.vector_size();
  return AllowsWinograd(lowering, g, output) && samples > 1 &&
         lowering.block() % samples == 0 && vector % samples == 0 &&
         input[2] * samples % vector == 0 && output[2] * samples % vector == 0;
}

int64_t WindowBytes(const Lowering& lowering, const Conv2dGeometry& g,
                    const Shape& input, const Shape& output) {
  return (output[1] / kWinogradRows) * (input[2] + 2 * g.padding.width) *
         lowering.block() * lowering.real().bytes();
}

Winograd::Elements AtPoints(const Winograd& filter,
                            const std::function<Expr(int point)>& at) {
  Winograd::Elements elements;
  for (int i = 0; i < filter.points(); ++i) elements.push_back(at(i));
  return elements;
}

Winograd::Elements WindowAtPoints(const Lowering& lowering,
                                  const Winograd& filter, Func image,
                                  int padding) {
  const Var l("l"), c("c"), group("group"), part("part");
  const int samples = SamplesOfRow(lowering);
  return filter.Window(AtPoints(filter, [&](int i) {
    return image(part * samples + l % samples, l / samples,
                 kWinogradRows * group + i - padding, c);
  }));
}

void TransformAt(const Lowering& lowering, Func transformed, int points,
                 const Halide::LoopLevel& level) {
  const Var l("l"), li("li"), c("c"), point("point"), group("group"),
      part("part");
  transformed.compute_at(level)
      .bound(point, 0, points)
      .split(l, l, li, lowering.vector_size(),
             Halide::TailStrategy::ShiftInwards)
      .reorder(li, point, l, c, group, part)
      .vectorize(li)
      .unroll(point);
}

}  // namespace kiln
