// Convolution: f(n, x, y, c) with the sample innermost, so that every load of
// the input is a dense vector and every weight a broadcast.
#include "dsl/ops/conv2d.h"

#include "absl/strings/match.h"
#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr int kMaxUnrolledTaps =
    200;  // vectors in a row x kernel width: about 1,000 instructions for a
          // tile of channels

}  // namespace

Lowered LowerConv2d(Lowering& lowering, const Node& node) {
  if (IsOneSample(lowering)) return LowerConv2dOfOneSample(lowering, node);
  const Conv2dGeometry& g = static_cast<const Conv2dOp&>(*node.op).geometry();
  const TensorType& input_type = lowering.type(node.inputs[0]);
  const Var n("n"), x("x"), y("y"), c("c");
  const int sx = static_cast<int>(g.stride.width),
            sy = static_cast<int>(g.stride.height);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height);
  Func input = lowering.input(node, 0), weight = lowering.input(node, 1);
  if (px > 0 || py > 0)
    input =
        ZeroPadded(lowering, input, input_type, CName(node.name) + "_padded");

  const RDom r(0, static_cast<int>(g.kernel.width), 0,
               static_cast<int>(g.kernel.height), 0,
               static_cast<int>(input_type.shape[0]), "r");
  Func sum(CName(node.name));
  sum(n, x, y, c) = node.inputs.size() > 2
                        ? lowering.input(node, 2)(c)
                        : Halide::Internal::make_const(lowering.real(), 0);
  sum(n, x, y, c) += input(n, x * sx + r.x - px, y * sy + r.y - py, r.z) *
                     weight(r.x, r.y, r.z, c);

  const ImageExtents extents = {node.type.shape[2], node.type.shape[0], sx,
                                g.kernel.width};
  return {sum,
          [=, &lowering,
           schedule = lowering.ScheduleOf(
               node, ImageFamilies(lowering, extents))](Func consumer, int) {
            TileImage(lowering, sum, consumer, r, extents, schedule);
          }};
}

// The transposed kernel over the adjoint: of all taps only those that fall on
// an output position count. Rows outside are skipped. Where the row is short
// enough to unroll, so are columns: a vector's taps are known when it is
// emitted, and a vector whose columns are all outside costs nothing. Otherwise
// columns outside multiply zeros. Either is a family, up to rows of twice that
// length.
Lowered LowerConv2dInputGrad(Lowering& lowering, const Node& node) {
  if (HasChannelLanes(lowering, lowering.type(node.inputs[0]).shape))
    return LowerConv2dInputGradOfOneSample(lowering, node);
  const Conv2dGeometry& g =
      static_cast<const Conv2dInputGradOp&>(*node.op).geometry();
  const TensorType& output_type = lowering.type(node.inputs[0]);
  const Var n("n"), x("x"), y("y"), c("c");
  const int sx = static_cast<int>(g.stride.width),
            sy = static_cast<int>(g.stride.height);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height);
  const int width = static_cast<int>(output_type.shape[2]),
            height = static_cast<int>(output_type.shape[1]);
  const ImageLanes lanes =
      LanesOf(lowering.block(), node.type.shape[2], sx, lowering.vector_size());
  const int columns = lanes.fused ? lanes.vector / lowering.block()
                                  : 1;  // that one vector holds
  const int64_t taps = node.type.shape[2] / columns * g.kernel.width;
  ImageExtents extents = {node.type.shape[2], node.type.shape[0], sx,
                          g.kernel.width};
  const std::string kUnrolled = "unrolled ";
  std::vector<Family> families = ImageFamilies(lowering, extents);
  if (taps <= 2 * kMaxUnrolledTaps) {
    const std::vector<Family> unrolled =
        ImageFamilies(lowering, extents, kUnrolled);
    families.insert(
        taps <= kMaxUnrolledTaps ? families.begin() : families.end(),
        unrolled.begin(), unrolled.end());
  }
  const NodeSchedule schedule = lowering.ScheduleOf(node, families);
  const bool unroll = absl::StartsWith(schedule.family, kUnrolled);
  extents.unroll_columns = unroll;
  const bool pads =
      !unroll ||
      lanes.fused;  // a vector of several columns can lie across the edge
  Func weight = lowering.input(node, 1), d_output = lowering.input(node, 0);
  if (pads)
    d_output = ZeroPadded(lowering, d_output, output_type,
                          CName(node.name) + "_padded");

  RDom r(0, static_cast<int>(g.kernel.width), 0,
         static_cast<int>(g.kernel.height), 0,
         static_cast<int>(output_type.shape[0]), "r");
  const Expr from_x = x + px - r.x, from_y = y + py - r.y;
  r.where(from_y >= 0 && from_y < height * sy);
  if (sy > 1) r.where(from_y % sy == 0);
  if (sx > 1) r.where(from_x % sx == 0);
  if (unroll) {
    const Expr first =
        x / columns * columns + px - r.x;  // of the vector's columns
    r.where(first + (columns - 1) >= 0 && first < width * sx);
  }
  // The clamps change nothing where the conditions hold; they tell how much of
  // the adjoint is read.
  const Expr column =
      pads ? from_x / sx : Halide::clamp(from_x / sx, 0, width - 1);
  const Expr row = Halide::clamp(from_y / sy, 0, height - 1);
  Func sum(CName(node.name));
  sum(n, x, y, c) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, x, y, c) += d_output(n, column, row, r.z) * weight(r.x, r.y, c, r.z);

  return {sum, [=, &lowering](Func consumer, int) {
            TileImage(lowering, sum, consumer, r, extents, schedule);
          }};
}

}  // namespace kiln
