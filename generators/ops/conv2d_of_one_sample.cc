// Convolution of one sample. Where the output's lanes are channels, the input
// is broadcast and the weights, packed once with the output channels innermost,
// are dense vectors, forward and in the input's gradient; where they are
// columns, the input is dense and the weights are broadcast.
#include "generators/ops/conv2d_of_one_sample.h"

#include <algorithm>

#include "generators/ops/conv2d_winograd.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::MemoryType;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace {

constexpr int kMaxUnrolledTaps = 200;  // of a row: about as many instructions
constexpr char kUnrolled[] = "unrolled", kLooped[] = "looped";

// Of an input gradient with lanes of columns and `taps` in a row: a loop over
// them multiplies zeros, but is short.
std::vector<Family> ColumnFamilies(int taps) {
  if (taps > 2 * kMaxUnrolledTaps) return {{kLooped, {}}};
  if (taps > kMaxUnrolledTaps) return {{kLooped, {}}, {kUnrolled, {}}};
  return {{kUnrolled, {}}, {kLooped, {}}};
}

struct Geometry {
  explicit Geometry(const Conv2dGeometry& g)
      : kw(static_cast<int>(g.kernel.width)),
        kh(static_cast<int>(g.kernel.height)),
        sx(static_cast<int>(g.stride.width)),
        sy(static_cast<int>(g.stride.height)),
        px(static_cast<int>(g.padding.width)),
        py(static_cast<int>(g.padding.height)) {}
  int kw, kh, sx, sy, px, py;
};

// Tiles of (vectors of channels) x columns: a tap is a load a vector of
// channels and a broadcast a column.
void TileChannels(const Lowering& lowering, Func sum, Func consumer,
                  const RDom& r, const Conv2dGeometry& g, const Shape& output,
                  int vector, const Tile& tile) {
  const Var n("n"), x("x"), y("y"), c("c"), xi("xi"), ci("ci"), cv("cv");
  const int vectors = tile.vectors;
  BoundToShape(consumer, output);
  consumer.reorder_storage(c, x, y, n)
      .split(c, c, ci, vector * vectors)
      .split(ci, ci, cv, vector)
      .split(x, x, xi, tile.channels, TailStrategy::ShiftInwards)
      .reorder(cv, ci, xi, x, c, y, n)
      .vectorize(cv)
      .unroll(ci)
      .unroll(xi);
  sum.compute_at(consumer, x)
      .store_in(MemoryType::Stack)
      .reorder_storage(c, x, y, n)
      .reorder(c, x, y, n);
  HoldInRegisters(sum, c, vector, {x});
  HoldInRegisters(sum.update().reorder(c, x, r.x, r.y, r.z, y, n), c, vector,
                  {x});
  if (HoldsKernelRow(lowering, tile, g)) sum.update().unroll(r.x);
}

// Tiles of rows x channels, each a vector of columns: a tap is a load a row and
// a broadcast a channel.
void TileColumns(const Lowering&, Func sum, Func consumer, const RDom& r,
                 const Conv2dGeometry&, const Shape& output, int vector,
                 const Tile& tile) {
  const Var n("n"), x("x"), y("y"), c("c"), xi("xi"), yi("yi"), ci("ci");
  BoundToShape(consumer, output);
  consumer.split(x, x, xi, vector, TailStrategy::ShiftInwards)
      .split(y, y, yi, tile.vectors, TailStrategy::ShiftInwards)
      .split(c, c, ci, tile.channels, TailStrategy::ShiftInwards)
      .reorder(xi, yi, ci, x, c, y, n)
      .vectorize(xi)
      .unroll(yi)
      .unroll(ci)
      .never_partition({x});  // the last vector runs through the same code
  sum.compute_at(consumer, x)
      .store_in(MemoryType::Stack)
      .vectorize(x)
      .unroll(y)
      .unroll(c);
  sum.update()
      .reorder(x, y, c, r.x, r.y, r.z, n)
      .vectorize(x)
      .unroll(y)
      .unroll(c);
}

}  // namespace

KernelTap::KernelTap(const Expr& tap, const Conv2dGeometry& g) {
  const int kw = static_cast<int>(g.kernel.width),
            plane = kw * static_cast<int>(g.kernel.height);
  // In two steps, so that the simplifier finds the element's place again.
  kx = tap % plane % kw;
  ky = tap % plane / kw;
  ci = tap / plane;
}

Expr TapOf(const Expr& kx, const Expr& ky, const Expr& ci,
           const Conv2dGeometry& g) {
  return kx + static_cast<int>(g.kernel.width) *
                  (ky + static_cast<int>(g.kernel.height) * ci);
}

void HoldInRegisters(Halide::Stage stage, const Var& lanes, int vector,
                     const std::vector<Var>& others) {
  stage.vectorize(lanes, vector).unroll(lanes);
  for (const Var& other : others) stage.unroll(other);
}

Func PackedWeight(Lowering& lowering, NodeId weight_id,
                  const Conv2dGeometry& g) {
  const std::string name = CName(lowering.graph().node(weight_id).name);
  Func& weight = lowering.shared(name + "_packed");
  if (weight.defined()) return weight;
  const Var co("co"), kx("kx"), ky("ky"), ci("ci"), tap("tap");
  const Shape& shape = lowering.type(weight_id).shape;
  const KernelTap at(tap, g);
  Func rows(name + "_rows"), packed(name + "_packed");
  rows(co, tap) = lowering.func(weight_id)(at.kx, at.ky, at.ci, co);
  packed(co, tap) = rows(co, tap);
  StoreTransposed(lowering, packed, co, shape[0], rows, tap,
                  ElementCount(shape) / shape[0]);

  weight = Func(name + "_by_tap");
  weight(co, kx, ky, ci) = packed(co, TapOf(kx, ky, ci, g));
  return weight;
}

bool HoldsKernelRow(const Lowering& lowering, const Tile& tile,
                    const Conv2dGeometry& g) {
  const auto [vectors, columns] = tile;
  const int64_t inputs = (columns - 1) * g.stride.width + g.kernel.width;
  return vectors * (columns + g.kernel.width) + inputs <= lowering.registers();
}

Lowered LowerConv2dOfOneSample(Lowering& lowering, const Node& node) {
  const Conv2dGeometry& geometry =
      static_cast<const Conv2dOp&>(*node.op).geometry();
  const Geometry g(geometry);
  const PixelLanes lanes = PixelLanesOf(lowering, node.type.shape);
  const Var n("n"), x("x"), y("y"), c("c");
  const Shape& shape = node.type.shape;
  const Shape& input_shape = lowering.type(node.inputs[0]).shape;
  std::vector<Family> families = {
      {"", lanes.channels
               ? TileSpace{.vectors = shape[0] / lanes.vector,
                           .channels = shape[2],
                           .exact_vectors = true}
               : TileSpace{.vectors = shape[1], .channels = shape[0]}}};
  OfferWinogradOfOneSample(lowering, geometry, input_shape, shape, families);
  const NodeSchedule schedule = lowering.ScheduleOf(node, families);
  if (IsWinograd(schedule))
    return LowerConv2dByWinogradOfOneSample(lowering, node, schedule.tile);

  Func input = PaddedInput(lowering, node, geometry.padding);
  const RDom r(0, g.kw, 0, g.kh, 0, static_cast<int>(input_shape[0]), "r");
  const Expr weight =
      lanes.channels
          ? PackedWeight(lowering, node.inputs[1], geometry)(c, r.x, r.y, r.z)
          : lowering.input(node, 1)(r.x, r.y, r.z, c);
  Func sum(CName(node.name));
  sum(n, x, y, c) = node.inputs.size() > 2
                        ? lowering.input(node, 2)(c)
                        : Halide::Internal::make_const(lowering.real(), 0);
  sum(n, x, y, c) +=
      input(n, x * g.sx + r.x - g.px, y * g.sy + r.y - g.py, r.z) * weight;

  const auto tile = lanes.channels ? TileChannels : TileColumns;
  return {sum, [=, &lowering](Func consumer, int) {
            tile(lowering, sum, consumer, r, geometry, shape, lanes.vector,
                 schedule.tile);
          }};
}

// Partial sums of each lane of output channels, added across the lanes a vector
// of results at a time: of columns, whose taps outside the adjoint are then not
// even emitted, or of input channels.
Lowered LowerConv2dInputGradOfOneSample(Lowering& lowering, const Node& node) {
  const Conv2dGeometry& geometry =
      static_cast<const Conv2dInputGradOp&>(*node.op).geometry();
  const Geometry g(geometry);
  const Shape& output = lowering.type(node.inputs[0]).shape;
  const PixelLanes lanes = PixelLanesOf(lowering, node.type.shape);
  const int vector = PixelLanesOf(lowering, output).vector;
  const Var lane("lane"), n("n"), x("x"), y("y"), c("c");
  const int width = static_cast<int>(output[2]),
            height = static_cast<int>(output[1]),
            vectors = static_cast<int>(output[0]) / vector,
            columns = static_cast<int>(node.type.shape[2]);
  const bool unroll = !lanes.channels &&
                      lowering.ScheduleOf(node, ColumnFamilies(columns * g.kw))
                              .family == kUnrolled,
             pads = !lanes.channels && !unroll;
  Func weight = PackedWeight(lowering, node.inputs[1], geometry);
  Func d_output = lowering.input(node, 0);
  if (pads)
    d_output = ZeroPadded(lowering, d_output, lowering.type(node.inputs[0]),
                          CName(node.name) + "_padded");

  RDom r(0, g.kw, 0, g.kh, 0, vectors, "r");
  const Expr from_x = x + g.px - r.x, from_y = y + g.py - r.y;
  r.where(from_y >= 0 && from_y < height * g.sy);
  if (g.sy > 1) r.where(from_y % g.sy == 0);
  if (g.sx > 1) r.where(from_x % g.sx == 0);
  if (!pads) r.where(from_x >= 0 && from_x < width * g.sx);
  // The clamps change nothing where the conditions hold; they tell how much of
  // the adjoint is read.
  const Expr column =
      pads ? from_x / g.sx : Halide::clamp(from_x / g.sx, 0, width - 1);
  const Expr row = Halide::clamp(from_y / g.sy, 0, height - 1);
  const Expr channel = lane + vector * r.z;
  Func partial(CName(node.name) + "_lanes");
  partial(lane, n, x, y, c) = Halide::Internal::make_const(lowering.real(), 0);
  partial(lane, n, x, y, c) +=
      d_output(n, column, row, channel) * weight(channel, r.x, r.y, c);

  const RDom across(0, vector, "across");
  Func sum(CName(node.name));
  sum(n, x, y, c) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, x, y, c) += partial(across, n, x, y, c);

  partial.compute_root();
  const int limit = lowering.registers() / 2;
  const int tiles = (columns + limit - 1) / limit,
            tile =
                lanes.channels ? lanes.vector : (columns + tiles - 1) / tiles;
  return {sum, [=](Func consumer, int) mutable {
            const Var results = lanes.channels ? c : x, inner("inner");
            StoreLanesInnermost(lanes, consumer);
            consumer.split(results, results, inner, tile,
                           TailStrategy::ShiftInwards);
            if (lanes.channels) {
              consumer.reorder(inner, c, x, y, n);
            } else {
              consumer.reorder(inner, x, c, y, n);
            }
            consumer.vectorize(inner);
            if (unroll) consumer.unroll(x);
            sum.compute_at(consumer, results)
                .store_in(MemoryType::Stack)
                .vectorize(results);
            sum.update()
                .reorder(across.x, results)
                .atomic()
                .vectorize(across.x)
                .vectorize(results);
            partial.compute_at(consumer, results)
                .store_in(MemoryType::Stack)
                .bound_extent(lane, vector)
                .vectorize(lane)
                .unroll(results);
            partial.update()
                .reorder(lane, results, r.x, r.y, r.z)
                .vectorize(lane)
                .unroll(results);
            if (unroll) partial.update().unroll(r.x);
          }};
}

}  // namespace kiln
