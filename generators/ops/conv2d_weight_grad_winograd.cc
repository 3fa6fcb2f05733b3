// The weight gradient of conv2d_winograd.h.
#include <algorithm>
#include <string>

#include "generators/ops/conv2d_winograd.h"
#include "generators/ops/winograd_rows.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// What of a convolution's inputs is at hand, transformed, for its weight's
// gradient: all of them at all points, where the second cache holds that beside
// the rest, else some channels at one point at a time.
struct Windows {
  bool at_all_points;
  int channels;
};

Windows WindowsOf(const Lowering& lowering, const Winograd& filter,
                  const Conv2dGeometry& g, const Shape& input,
                  const Shape& output) {
  const int64_t of_channel = WindowBytes(lowering, g, input, output);
  if (of_channel * filter.points() * input[0] <= kMostWindows)
    return {true, static_cast<int>(input[0])};
  const int64_t most =
      std::clamp<int64_t>(2 * kMostWindows / of_channel, 1, input[0]);
  return {false, LargestDivisor(input[0], static_cast<int>(most))};
}

}  // namespace

void OfferWinogradWeightGrad(const Lowering& lowering, const Conv2dGeometry& g,
                             const Shape& input, const Shape& output,
                             std::vector<Family>& families) {
  if (!AllowsWinograd(lowering, g, input, output)) return;
  const Winograd filter = WinogradOf(g);
  const Windows windows = WindowsOf(lowering, filter, g, input, output);
  // Of the channels whose windows are at hand.
  const TileSpace space = {.vectors = g.kernel.width * windows.channels,
                           .channels = output[0],
                           .exact_vectors = true,
                           .exact_channels = true,
                           .row = g.kernel.width,
                           .streams = !windows.at_all_points};
  const double points = filter.points(),
               taps = static_cast<double>(g.kernel.height),
               groups = static_cast<double>(output[1]) / kWinogradRows,
               // of columns to vectors, of all samples
      vectors = static_cast<double>(lowering.block()) / lowering.vector_size(),
               columns = static_cast<double>(output[2]),
               of_kernels =
                   static_cast<double>(g.kernel.width * input[0] * output[0]);
  // Cycles; a sum across the lanes takes some 6, a kernel's transform one.
  const double sums = vectors * groups * columns * points *
                      LeastCost(space, lowering.registers()) *
                      static_cast<double>(input[0] / windows.channels),
               transforms =
                   vectors * groups * points *
                   (3.0 * static_cast<double>(input[2] * input[0]) +
                    2.0 * columns * static_cast<double>(output[0]) *
                        static_cast<double>(input[0] / windows.channels)),
               across = 6 * of_kernels;
  const double plain = vectors * groups * kWinogradRows * columns * taps *
                       LeastCost(families[0].space, lowering.registers());
  const bool is_first =
      sums + transforms + points * across + of_kernels * taps <
      kWinogradIsWorthIt * (plain + taps * across);
  families.insert(is_first ? families.begin() : families.end(),
                  {kWinograd, space});
}

Lowered LowerConv2dWeightGradByWinograd(Lowering& lowering, const Node& node,
                                        const NodeSchedule& schedule) {
  const Conv2dGeometry& g =
      static_cast<const Conv2dWeightGradOp&>(*node.op).geometry();
  const Winograd filter = WinogradOf(g);
  const TensorType& input_type = lowering.type(node.inputs[0]);
  const Shape& output = lowering.type(node.inputs[1]).shape;
  const std::string name = CName(node.name);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height), points = filter.points(),
            lanes = lowering.vector_size(), samples = SamplesOfRow(lowering),
            outputs = static_cast<int>(output[0]);
  Func input = PaddedInput(lowering, node, g.padding),
       d_output = lowering.input(node, 1);

  const Var l("l"), c("c"), point("point"), group("group"), part("part");
  const Var lane("lane"), kx("kx"), ky("ky"), ci("ci"), co("co");
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0),
             sample = part * samples + l % samples, column = l / samples;
  Func window(name + "_window"), d_products(name + "_products"),
      tile_sums(name + "_tile"), across_sum(name + "_across"),
      d_weight_at(name + "_partial"), d_weight(name);
  window(l, c, group, part, point) =
      Halide::mux(point, WindowAtPoints(lowering, filter, input, py));
  const Expr row = kWinogradRows * group;
  d_products(l, c, group, part, point) =
      filter.EvaluateAt(d_output(sample, column, row, c),
                        d_output(sample, column, row + 1, c), point);
  const RDom r(0, static_cast<int>(output[2]) * samples / lanes, 0,
               static_cast<int>(output[1]) / kWinogradRows, 0,
               lowering.block() / samples, "r");
  const Expr position = lane + lanes * r.x;
  tile_sums(lane, kx, ci, co, point) = zero;
  tile_sums(lane, kx, ci, co, point) +=
      window(position + samples * (kx - px), ci, r.y, r.z, point) *
      d_products(position, co, r.y, r.z, point);
  const RDom across(0, lanes, "across");
  across_sum(kx, ci, co, point) = zero;
  across_sum(kx, ci, co, point) += tile_sums(across, kx, ci, co, point);
  d_weight_at(kx, ci, co, point) = across_sum(kx, ci, co, point);
  d_weight(kx, ky, ci, co) = Halide::mux(
      ky, filter.EvaluateTransposed(
              filter.Divided(AtPoints(
                  filter, [&](int i) { return d_weight_at(kx, ci, co, i); })),
              filter.taps()));

  const Var coi("coi"), cii("cii"), kxi("kxi"), channels("channels");
  const Tile& tile = schedule.tile;
  const Windows windows =
      WindowsOf(lowering, filter, g, input_type.shape, output);
  const int taps = std::min(tile.vectors, static_cast<int>(g.kernel.width)),
            inputs = tile.vectors / taps;
  // The adjoint at a point, of a few output channels, rests in the nearest
  // cache that holds it for all input channels there are.
  d_weight_at.compute_root()
      .bound(kx, 0, static_cast<int>(g.kernel.width))
      .bound(ci, 0, static_cast<int>(input_type.shape[0]))
      .bound(co, 0, outputs)
      .bound(point, 0, points)
      .split(co, co, coi, tile.channels)
      .split(ci, channels, ci, windows.channels)
      .split(ci, ci, cii, inputs)
      .split(kx, kx, kxi, taps)
      .reorder(coi, kxi, cii, kx, ci, windows.at_all_points ? point : co,
               windows.at_all_points ? co : point, channels)
      .unroll(kxi)
      .unroll(coi);
  if (!windows.at_all_points) d_weight_at.unroll(point);
  d_products.compute_at(d_weight_at, windows.at_all_points ? point : co)
      .vectorize(l, lanes);
  if (windows.at_all_points) {
    TransformAt(lowering, window, points,
                Halide::LoopLevel(d_weight_at, channels));
  } else {
    window.compute_at(d_weight_at, point).vectorize(l, lanes);
  }
  across_sum.compute_at(d_weight_at, kx)
      .store_in(Halide::MemoryType::Stack)
      .reorder_storage(co, kx, ci, point)
      .bound_extent(co, tile.channels)
      .reorder(co, kx, ci)
      .vectorize(co)
      .unroll(kx)
      .unroll(ci);
  across_sum.update()
      .reorder(across.x, co, kx, ci)
      .unroll(kx)
      .unroll(ci)
      .atomic()
      .vectorize(across.x)
      .vectorize(co);
  tile_sums.compute_at(d_weight_at, kx)
      .store_in(Halide::MemoryType::Stack)
      .bound_extent(lane, lanes)
      .vectorize(lane)
      .unroll(kx)
      .unroll(ci)
      .unroll(co);
  tile_sums.update()
      .reorder(lane, kx, ci, co, r.x, r.y, r.z)
      .vectorize(lane)
      .unroll(kx)
      .unroll(ci)
      .unroll(co);
  d_weight.compute_root()
      .bound(kx, 0, static_cast<int>(g.kernel.width))
      .bound(ky, 0, filter.taps())
      .reorder(kx, ky, ci, co)
      .vectorize(kx, LargestVector(g.kernel.width, lanes),
                 Halide::TailStrategy::ShiftInwards)
      .unroll(kx)
      .unroll(ky);
  return {d_weight};
}

}  // namespace kiln
