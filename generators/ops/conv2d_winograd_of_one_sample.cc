// conv2d_winograd.h for one sample with lanes of output channels. The windows
// are broadcast, and transformed once for the layer and its weight's gradient.
// The input's gradient stays as it is: it adds lanes together, and would at
// every point.
#include <string>

#include "absl/strings/str_cat.h"
#include "generators/ops/conv2d_of_one_sample.h"
#include "generators/ops/conv2d_winograd.h"
#include "generators/ops/winograd_rows.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::MemoryType;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace {

bool Allows(const Lowering& lowering, const Conv2dGeometry& g,
            const Shape& input, const Shape& output) {
  return HasChannelLanes(lowering, output) &&
         AllowsWinograd(lowering, g, output) &&
         WindowBytes(lowering, g, input, output) * WinogradOf(g).points() *
                 input[0] <=
             kMostWindows;
}

// A vector of channels at all points, which share their terms, then the next.
void VectorAtAllPoints(Func func, const Var& channel, int vector,
                       const Var& point, const std::vector<Var>& outer) {
  const Var lane("lane");
  std::vector<Halide::VarOrRVar> order = {lane, point, channel};
  order.insert(order.end(), outer.begin(), outer.end());
  func.split(channel, channel, lane, vector)
      .reorder(order)
      .vectorize(lane)
      .unroll(point);
}

// window(x, point, group, c) of a convolution's input, with its padding.
Func Windows(Lowering& lowering, const Node& node, const Conv2dGeometry& g) {
  const NodeId input_id = node.inputs[0];
  const std::string name = absl::StrCat(
      CName(lowering.graph().node(input_id).name), "_at_points_",
      g.kernel.height, "_", g.padding.height, "_", g.padding.width);
  Func& window = lowering.shared(name);
  if (window.defined()) return window;
  const Var x("x"), xi("xi"), point("point"), group("group"), c("c");
  const Winograd filter = WinogradOf(g);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height);
  Func image = PaddedInput(lowering, node, g.padding);
  window = Func(name);
  window(x, point, group, c) =
      Halide::mux(point, filter.Window(AtPoints(filter, [&](int i) {
        return image(0, x - px, kWinogradRows * group + i - py, c);
      })));

  const Shape& shape = lowering.type(input_id).shape;
  const PixelLanes lanes = PixelLanesOf(lowering, shape);
  window.compute_root()
      .bound(x, 0, static_cast<int>(shape[2]) + 2 * px)
      .bound(c, 0, static_cast<int>(shape[0]))
      .bound(point, 0, filter.points());
  if (lanes.channels) {
    window.reorder_storage(c, x, point, group);
    VectorAtAllPoints(window, c, lanes.vector, point, {x, group});
  } else {
    window.split(x, x, xi, lanes.vector, TailStrategy::ShiftInwards)
        .reorder(xi, point, x, c, group)
        .vectorize(xi)
        .unroll(point);
  }
  return window;
}

// The packed kernels at the points, k(co, kx, point, ci).
Func Kernels(Lowering& lowering, NodeId weight_id, const Conv2dGeometry& g,
             int vector) {
  const Var co("co"), kx("kx"), point("point"), ci("ci");
  const Winograd filter = WinogradOf(g);
  Func weight = PackedWeight(lowering, weight_id, g),
       kernels(CName(lowering.graph().node(weight_id).name) + "_winograd");
  Winograd::Elements rows;
  for (int ky = 0; ky < filter.taps(); ++ky)
    rows.push_back(weight(co, kx, ky, ci));
  kernels(co, kx, point, ci) =
      Halide::mux(point, filter.Divided(filter.Evaluate(rows)));

  kernels.compute_root().bound(point, 0, filter.points());
  VectorAtAllPoints(kernels, co, vector, point, {kx, ci});
  return kernels;
}

}  // namespace

// Cycles of what is transformed were measured for lenet5 and mnist_cnn, for
// each point: of a vector of windows, kernels, products and adjoints.
void OfferWinogradOfOneSample(const Lowering& lowering, const Conv2dGeometry& g,
                              const Shape& input, const Shape& output,
                              std::vector<Family>& families) {
  if (!Allows(lowering, g, input, output)) return;
  const TileSpace& space = families[0].space;
  const int in_lanes = PixelLanesOf(lowering, input).vector;
  const double points = WinogradOf(g).points(),
               rows = static_cast<double>(g.kernel.height),
               taps = static_cast<double>(g.kernel.width * input[0]),
               vectors = static_cast<double>(space.vectors),
               vectors_read =
                   static_cast<double>(input[0] * input[2]) / in_lanes,
               groups = static_cast<double>(output[1]) / kWinogradRows;
  const double sums = groups * taps * LeastCost(space, lowering.registers());
  const double transforms =
      points * (1.5 * groups * vectors_read + 2 * taps * vectors +
                1.5 * groups * static_cast<double>(output[2]) * vectors);
  const bool is_first = points * sums + transforms <
                        kWinogradIsWorthIt * kWinogradRows * rows * sums;
  families.insert(is_first ? families.begin() : families.end(),
                  {kWinograd, space});
}

void OfferWinogradWeightGradOfOneSample(const Lowering& lowering,
                                        const Conv2dGeometry& g,
                                        const Shape& input, const Shape& output,
                                        std::vector<Family>& families) {
  if (!Allows(lowering, g, input, output)) return;
  const TileSpace space = {.vectors = families[0].space.vectors,
                           .channels = input[0],
                           .exact_vectors = true,
                           .exact_channels = true,
                           .each = static_cast<int>(g.kernel.width)};
  if (!Contains(space, {1, 1}, lowering.registers())) return;
  const double points = WinogradOf(g).points(),
               rows = static_cast<double>(g.kernel.height),
               taps = static_cast<double>(g.kernel.width * input[0]),
               vectors = static_cast<double>(space.vectors),
               columns = static_cast<double>(output[1] * output[2]) /
                         kWinogradRows;  // of all groups
  // Multiply-adds two a cycle; windows are there.
  const double sums = columns * taps * vectors / 2,
               transforms =
                   2.5 * points * columns * vectors + 2 * rows * taps * vectors;
  const bool is_first = points * sums + transforms <
                        kWinogradIsWorthIt * kWinogradRows * rows * sums;
  families.insert(is_first ? families.begin() : families.end(),
                  {kWinograd, space});
}

Lowered LowerConv2dByWinogradOfOneSample(Lowering& lowering, const Node& node,
                                         const Tile& tile) {
  const Conv2dGeometry& g = static_cast<const Conv2dOp&>(*node.op).geometry();
  const Winograd filter = WinogradOf(g);
  const Shape& shape = node.type.shape;
  const int vector = PixelLanesOf(lowering, shape).vector;
  const std::string name = CName(node.name);
  Func window = Windows(lowering, node, g),
       kernels = Kernels(lowering, node.inputs[1], g, vector);

  const Var n("n"), x("x"), y("y"), c("c"), point("point"), group("group");
  Func sum(name + "_sum"), products(name + "_products"), result(name);
  RDom r(0, static_cast<int>(g.kernel.width), 0,
         static_cast<int>(lowering.type(node.inputs[0]).shape[0]), "r");
  sum(c, x, point, group) = Halide::Internal::make_const(lowering.real(), 0);
  sum(c, x, point, group) +=
      kernels(c, r.x, point, r.y) * window(x + r.x, point, group, r.y);
  products(c, x, point, group) = sum(c, x, point, group);
  Winograd::Elements rows = filter.EvaluateTransposed(
      AtPoints(filter,
               [&](int i) { return products(c, x, i, y / kWinogradRows); }),
      kWinogradRows);
  if (node.inputs.size() > 2) {
    for (Expr& row : rows) row = row + lowering.input(node, 2)(c);
  }
  result(n, x, y, c) = Halide::mux(y % kWinogradRows, rows);

  const auto schedule = [=, &lowering](Func consumer, int) mutable {
    const Var yi("yi"), xi("xi"), ci("ci"), cv("cv");
    const int channels = vector * tile.vectors;
    BoundToShape(consumer, shape);
    consumer.reorder_storage(c, x, y, n)
        .split(c, c, ci, channels)
        .split(ci, ci, cv, vector)
        .split(y, group, yi, kWinogradRows)
        .reorder(cv, yi, ci, x, c, group, n)
        .vectorize(cv)
        .unroll(yi)
        .unroll(ci);
    products.compute_at(consumer, c)
        .bound(point, 0, filter.points())
        .bound_extent(c, channels)
        .split(c, c, cv, vector)
        .split(x, x, xi, tile.channels, TailStrategy::ShiftInwards)
        .reorder(cv, c, xi, x, point, group)
        .vectorize(cv)
        .unroll(c)
        .unroll(xi);
    sum.compute_at(products, x).store_in(MemoryType::Stack);
    HoldInRegisters(sum, c, vector, {x});
    HoldInRegisters(sum.update().reorder(c, x, r.x, r.y), c, vector, {x});
    if (HoldsKernelRow(lowering, tile, g)) sum.update().unroll(r.x);
  };
  return {.func = result, .tile = schedule, .rows_together = kWinogradRows};
}

Lowered LowerConv2dWeightGradByWinogradOfOneSample(Lowering& lowering,
                                                   const Node& node,
                                                   const Tile& tile) {
  const Conv2dGeometry& g =
      static_cast<const Conv2dWeightGradOp&>(*node.op).geometry();
  const Winograd filter = WinogradOf(g);
  const Shape& output = lowering.type(node.inputs[1]).shape;
  const int vector = PixelLanesOf(lowering, output).vector,
            taps = static_cast<int>(g.kernel.width);
  const std::string name = CName(node.name);
  Func window = Windows(lowering, node, g), d_output = lowering.input(node, 1);

  const Var c("c"), x("x"), point("point"), group("group"), kx("kx"), ky("ky"),
      ci("ci"), co("co"), tap("tap");
  Func d_products(name + "_products"), sum(name + "_sum"),
      at_points(name + "_partial"), by_tap(name + "_taps"),
      packed(name + "_packed");
  Winograd::Elements rows;
  for (int i = 0; i < kWinogradRows; ++i)
    rows.push_back(d_output(0, x, kWinogradRows * group + i, c));
  d_products(c, x, group, point) = Halide::mux(point, filter.Evaluate(rows));
  RDom r(0, static_cast<int>(output[2]), 0,
         static_cast<int>(output[1]) / kWinogradRows, "r");
  sum(co, kx, ci, point) = Halide::Internal::make_const(lowering.real(), 0);
  sum(co, kx, ci, point) +=
      window(r.x + kx, point, r.y, ci) * d_products(co, r.x, r.y, point);
  at_points(co, kx, ci, point) = sum(co, kx, ci, point);
  by_tap(co, kx, ky, ci) = Halide::mux(
      ky, filter.EvaluateTransposed(
              filter.Divided(AtPoints(
                  filter, [&](int i) { return at_points(co, kx, ci, i); })),
              filter.taps()));
  const KernelTap at(tap, g);
  packed(co, tap) = by_tap(co, at.kx, at.ky, at.ci);

  const Var cv("cv"), coi("coi"), cii("cii");
  d_products.compute_root().bound(point, 0, filter.points());
  VectorAtAllPoints(d_products, c, vector, point, {x, group});
  at_points.compute_root()
      .bound(kx, 0, taps)
      .split(co, co, coi, vector * tile.vectors)
      .split(coi, coi, cv, vector)
      .split(ci, ci, cii, tile.channels)
      .reorder(cv, coi, kx, cii, ci, co, point)
      .vectorize(cv)
      .unroll(coi)
      .unroll(kx)
      .unroll(cii);
  sum.compute_at(at_points, ci).store_in(MemoryType::Stack);
  HoldInRegisters(sum, co, vector, {kx, ci});
  HoldInRegisters(sum.update().reorder(co, kx, ci, r.x, r.y), co, vector,
                  {kx, ci});
  by_tap.compute_root().bound(ky, 0, filter.taps());
  VectorAtAllPoints(by_tap, co, vector, ky, {kx, ci});
  return {UnpackedGradient(lowering, node, g, packed)};
}

}  // namespace kiln
