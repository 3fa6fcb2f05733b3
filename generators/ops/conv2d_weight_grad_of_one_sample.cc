// The convolution's weight gradient of one sample. Lanes of output channels: a
// kernel in registers, each pixel's adjoint a dense vector and its inputs
// broadcasts; no horizontal sums, and the result is turned at the end. Lanes of
// columns: a kernel row times a few channels in registers, added across the
// lanes at the end.
#include <algorithm>

#include "generators/ops/conv2d_of_one_sample.h"
#include "generators/ops/conv2d_winograd.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::MemoryType;
using Halide::RDom;
using Halide::RVar;
using Halide::Var;

namespace {

const Conv2dGeometry& GeometryOf(const Node& node) {
  return static_cast<const Conv2dWeightGradOp&>(*node.op).geometry();
}

// Element (kx, ky, ci) of the window of output position (x, y).
Expr Window(const Node& node, Func input, const Expr& x, const Expr& y,
            const Var& kx, const Var& ky, const Var& ci) {
  const Conv2dGeometry& g = GeometryOf(node);
  return input(0,
               x * static_cast<int>(g.stride.width) + kx -
                   static_cast<int>(g.padding.width),
               y * static_cast<int>(g.stride.height) + ky -
                   static_cast<int>(g.padding.height),
               ci);
}

// Accumulators, and what an FMA reads.
int MostAccumulators(const Lowering& lowering) {
  return lowering.registers() - 6;
}

Lowered OverChannels(Lowering& lowering, const Node& node, int vector) {
  const Shape& output = lowering.type(node.inputs[1]).shape;
  const Conv2dGeometry& g = GeometryOf(node);
  const int kw = static_cast<int>(g.kernel.width),
            kh = static_cast<int>(g.kernel.height);
  // A tile is a part of a kernel row, or whole rows: RVars keep their order.
  const RVar outer("outer"), inner("inner");
  const int most = MostAccumulators(lowering),
            columns = LargestDivisor(kw, most),
            most_rows = LargestDivisor(kh, std::max(1, most / columns));
  const bool whole_rows = columns == kw;
  const int64_t all_vectors = output[0] / vector;
  std::vector<Family> families = {
      {"",
       {.vectors = all_vectors,
        .channels = whole_rows ? kh : kw,
        .exact_vectors = true,
        .exact_channels = true,
        .each = whole_rows ? kw : 1},
       Tile{LargestDivisor(all_vectors,
                           std::max(1, most / (columns * most_rows))),
            whole_rows ? most_rows : columns}}};
  OfferWinogradWeightGradOfOneSample(
      lowering, g, lowering.type(node.inputs[0]).shape, output, families);
  const NodeSchedule schedule = lowering.ScheduleOf(node, families);
  if (IsWinograd(schedule))
    return LowerConv2dWeightGradByWinogradOfOneSample(lowering, node,
                                                      schedule.tile);
  const Tile tile = schedule.tile;

  Func input = PaddedInput(lowering, node, g.padding),
       d_output = lowering.input(node, 1);
  const Var kx("kx"), ky("ky"), ci("ci"), co("co"), coi("coi"), lane("lane"),
      tap("tap");
  const RDom r(0, static_cast<int>(output[2]), 0, static_cast<int>(output[1]),
               "r"),
      k(0, kw, 0, kh, 0, static_cast<int>(node.type.shape[1]), "k");
  Func sum(CName(node.name) + "_sum"), packed(CName(node.name) + "_packed");
  sum(co, kx, ky, ci) = Halide::Internal::make_const(lowering.real(), 0);
  sum(co, kx, ky, ci) +=
      Window(node, input, r.x, r.y, kx, ky, ci) * d_output(0, r.x, r.y, co);
  // By the tap's place in a stored kernel.
  packed(co, tap) = Halide::undef(lowering.real());
  packed(co, TapOf(k.x, k.y, k.z, g)) = sum(co, k.x, k.y, k.z);

  const int vectors = tile.vectors;
  packed.compute_root();
  Halide::Stage turn = packed.update();
  turn.split(co, co, coi, vector * vectors).split(coi, coi, lane, vector);
  if (!whole_rows) {
    turn.split(k.x, outer, inner, tile.channels)
        .reorder(lane, coi, inner, outer, k.y, k.z, co)
        .unroll(inner);
  } else {
    turn.split(k.y, outer, inner, tile.channels)
        .reorder(lane, coi, k.x, inner, outer, k.z, co)
        .unroll(k.x)
        .unroll(inner);
  }
  turn.vectorize(lane).unroll(coi);
  sum.compute_at(packed, outer).store_in(MemoryType::Stack);
  HoldInRegisters(sum, co, vector, {kx, ky});
  HoldInRegisters(sum.update().reorder(co, kx, ky, r.x, r.y, ci), co, vector,
                  {kx, ky});
  return {UnpackedGradient(lowering, node, g, packed)};
}

Lowered OverColumns(Lowering& lowering, const Node& node, int vector) {
  Func input = PaddedInput(lowering, node, GeometryOf(node).padding),
       d_output = lowering.input(node, 1);
  const Shape& output = lowering.type(node.inputs[1]).shape;
  const int width = static_cast<int>(output[2]);
  const Var lane("lane"), kx("kx"), ky("ky"), ci("ci"), co("co"), kxi("kxi"),
      coi("coi");
  const RDom r(0, (width + vector - 1) / vector, 0, static_cast<int>(output[1]),
               "r");
  // The last vector of a row ends with it; lanes that overlap count once.
  const Expr first = r.x * vector,
             x = Halide::min(first, width - vector) + lane,
             zero = Halide::Internal::make_const(lowering.real(), 0);
  Func partial(CName(node.name) + "_partial"),
      quarter(CName(node.name) + "_lanes"), gradient(CName(node.name));
  partial(lane, kx, ky, ci, co) = zero;
  partial(lane, kx, ky, ci, co) +=
      Window(node, input, x, r.y, kx, ky, ci) *
      Halide::select(x >= first, d_output(0, x, r.y, co), zero);
  // Across the lanes in two steps: a vector to four lanes in registers, then
  // four strided loads that give whole vectors of sums.
  const int rest = std::min(vector, 4);
  Expr sum = partial(lane, kx, ky, ci, co);
  for (int l = rest; l < vector; l += rest)
    sum = sum + partial(lane + l, kx, ky, ci, co);
  quarter(lane, kx, ky, ci, co) = sum;
  sum = quarter(0, kx, ky, ci, co);
  for (int l = 1; l < rest; ++l) sum = sum + quarter(l, kx, ky, ci, co);
  gradient(kx, ky, ci, co) = sum;

  // FMAs read an input and an adjoint, which is dense: registers hold those of
  // a tile's channels.
  const int64_t kernel_width = GeometryOf(node).kernel.width;
  const int most = MostAccumulators(lowering),
            most_columns = LargestDivisor(kernel_width, most);
  const auto [columns, channels] = lowering.TileOf(
      node,
      {.vectors = kernel_width,
       .channels = output[0],
       .exact_vectors = true,
       .exact_channels = true},
      Tile{most_columns,
           LargestDivisor(output[0], std::max(1, most / (most_columns + 1)))});
  quarter.compute_root()
      .bound(lane, 0, rest)
      .split(kx, kx, kxi, columns)
      .split(co, co, coi, channels)
      .reorder(lane, kxi, coi, kx, ky, ci, co)
      .vectorize(lane)
      .unroll(kxi)
      .unroll(coi);
  partial.compute_at(quarter, kx)
      .store_in(MemoryType::Stack)
      .bound_extent(lane, vector)
      .vectorize(lane)
      .unroll(kx)
      .unroll(co);
  partial.update()
      .reorder(lane, kx, co, r.x, r.y, ky, ci)
      .vectorize(lane)
      .unroll(kx)
      .unroll(co)
      .unroll(r.x);
  gradient.compute_root();
  StoreParameter(lowering, gradient, -1, node.type.shape);
  return {gradient};
}

}  // namespace

Func UnpackedGradient(const Lowering& lowering, const Node& node,
                      const Conv2dGeometry& g, Func packed) {
  const Var kx("kx"), ky("ky"), ci("ci"), co("co"), tap("tap");
  const Shape& shape = node.type.shape;
  Func turned(CName(node.name)), gradient(CName(node.name) + "_unpacked");
  turned(tap, co) = packed(co, tap);
  gradient(kx, ky, ci, co) = turned(TapOf(kx, ky, ci, g), co);
  StoreTransposed(lowering, turned, tap, ElementCount(shape) / shape[0], packed,
                  co, shape[0]);
  return gradient;
}

Lowered LowerConv2dWeightGradOfOneSample(Lowering& lowering, const Node& node) {
  const PixelLanes lanes =
      PixelLanesOf(lowering, lowering.type(node.inputs[1]).shape);
  return lanes.channels ? OverChannels(lowering, node, lanes.vector)
                        : OverColumns(lowering, node, lanes.vector);
}

}  // namespace kiln
