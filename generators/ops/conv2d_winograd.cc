#include "generators/ops/conv2d_winograd.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "generators/image_schedule.h"
#include "generators/ops/winograd_rows.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr char kColumnsFirst[] = "winograd x c",
               kChannelsFirst[] = "winograd c x";
// Of products, before they are transformed to outputs.
constexpr int64_t kMostProducts = 32 << 10;

int64_t VectorBytes(const Lowering& lowering) {
  return lowering.vector_size() * lowering.real().bytes();
}

// The kernels at the points, k(kx, ci, co, point): of both directions.
Func TransformedWeight(Lowering& lowering, NodeId weight_id,
                       const Winograd& filter) {
  const Var kx("kx"), ci("ci"), co("co"), point("point");
  const std::string name = CName(lowering.graph().node(weight_id).name);
  Func& transformed = lowering.shared(name + "_winograd");
  if (transformed.defined()) return transformed;
  transformed = Func(name + "_winograd");
  Winograd::Elements rows;
  for (int ky = 0; ky < filter.taps(); ++ky)
    rows.push_back(lowering.func(weight_id)(kx, ky, ci, co));
  transformed(kx, ci, co, point) =
      Halide::mux(point, filter.Divided(filter.Evaluate(rows)));

  const int taps = static_cast<int>(lowering.type(weight_id).shape[3]);
  transformed.compute_root()
      .bound(kx, 0, taps)
      .bound(point, 0, filter.points())
      .reorder(kx, point, ci, co)
      .vectorize(kx, LargestVector(taps, lowering.vector_size()),
                 Halide::TailStrategy::ShiftInwards)
      .unroll(kx)
      .unroll(point);
  return transformed;
}

// The products at the points, summed over the kernel's columns and channels in
// register tiles: `sum`(l, c, point, group, part), stored in `products`.
void TileProducts(const Lowering& lowering, Func products, Func sum,
                  const RDom& r, int columns, const NodeSchedule& schedule,
                  int taps, bool unroll_columns) {
  const Var l("l"), li("li"), lv("lv"), c("c"), ci("ci"), point("point"),
      group("group"), part("part");
  const Tile& tile = schedule.tile;
  const int vector = lowering.vector_size();
  const bool columns_first = schedule.family == kColumnsFirst;
  products.bound(l, 0, SamplesOfRow(lowering) * columns)
      .split(l, l, li, vector * tile.vectors,
             Halide::TailStrategy::ShiftInwards)
      .split(li, li, lv, vector)
      .split(c, c, ci, tile.channels, Halide::TailStrategy::ShiftInwards)
      .reorder(lv, li, ci, columns_first ? l : c, columns_first ? c : l, point,
               group, part)
      .vectorize(lv)
      .unroll(li)
      .unroll(ci);
  if (unroll_columns) products.unroll(l);
  sum.compute_at(products, columns_first ? l : c)
      .store_in(Halide::MemoryType::Stack)
      .vectorize(l, vector)
      .unroll(l)
      .unroll(c);
  sum.update().reorder(l, c, r.x, r.y).vectorize(l, vector).unroll(l).unroll(c);
  if (unroll_columns ||
      tile.vectors * tile.channels * taps <= kMultiplyAddsOfATurn)
    sum.update().unroll(r.x);
}

}  // namespace

bool IsWinograd(const NodeSchedule& schedule) {
  return absl::StartsWith(schedule.family, kWinograd);
}

namespace {

// Sums over `read` into `written`, forward or back. Cycles were measured for
// lenet5 and mnist_cnn: for each point, of a vector that is read and
// transformed, and of one that is written.
struct ImageWork {
  const Shape &read, &written;
  double of_read, of_written;
};

void OfferImageFamilies(const Lowering& lowering, const Conv2dGeometry& g,
                        const Shape& output, const ImageWork& work,
                        std::vector<Family>& families) {
  const int64_t samples = SamplesOfRow(lowering),
                in_vector = lowering.vector_size() / samples;  // columns
  const double points = WinogradOf(g).points(),
               taps = static_cast<double>(g.kernel.width),
               rows = static_cast<double>(g.kernel.height),
               inputs = static_cast<double>(work.read[0]),
               channels = static_cast<double>(work.written[0]),
               vectors_read = static_cast<double>(work.read[2] / in_vector),
               vectors = static_cast<double>(work.written[2] / in_vector);
  const auto vector_bytes = static_cast<double>(VectorBytes(lowering));
  const double lines = vector_bytes / 64;
  const bool streams =
      vectors_read * inputs * vector_bytes > static_cast<double>(kFirstCache);
  const TileSpace space = {.vectors = work.written[2] / in_vector,
                           .channels = work.written[0],
                           .streams = streams,
                           .lines_of_vector = lines / taps,
                           .lines_of_all = (taps - 1) * lines / taps};
  // Of two rows of a part of the block.
  const double parts = static_cast<double>(lowering.block() / samples),
               groups = static_cast<double>(output[1]) / kWinogradRows,
               // of the columns, whose taps count: others are padding
      share = static_cast<double>(std::min(output[2], work.written[2])) /
              static_cast<double>(work.written[2]);
  const auto sums = [&](const TileSpace& of) {
    return taps * inputs * share * LeastCost(of, lowering.registers()) /
           (of.vectors > space.vectors ? parts : 1);
  };
  const double transforms = points * (work.of_read * vectors_read * inputs +
                                      work.of_written * vectors * channels) +
                            rows * taps * inputs * channels / (groups * parts);
  const bool is_first =
      points * sums(space) + transforms <
      kWinogradIsWorthIt * kWinogradRows * rows * sums(families[0].space);
  std::vector<Family> ours = {{kColumnsFirst, space}, {kChannelsFirst, space}};
  if (streams) std::swap(ours[0], ours[1]);
  families.insert(is_first ? families.begin() : families.end(), ours.begin(),
                  ours.end());
}

}  // namespace

void OfferWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                   const Shape& input, const Shape& output,
                   std::vector<Family>& families) {
  if (AllowsWinograd(lowering, g, input, output))
    OfferImageFamilies(lowering, g, output, {input, output, 2, 1.5}, families);
}

void OfferWinogradInputGrad(const Lowering& lowering, const Conv2dGeometry& g,
                            const Shape& input, const Shape& output,
                            std::vector<Family>& families) {
  if (AllowsWinograd(lowering, g, input, output))
    OfferImageFamilies(lowering, g, output, {output, input, 2, 6}, families);
}

namespace {

// A multiple of the tile's whose products fit, of those that compute the fewest
// channels twice the largest.
int ChannelsAtATime(int channels, int of_tile, int64_t bytes_of_channel) {
  const auto most = static_cast<int>(kMostProducts / bytes_of_channel);
  const auto computed = [&](int at_a_time) {
    return (channels + at_a_time - 1) / at_a_time * at_a_time;
  };
  int best = of_tile;
  for (int m = of_tile; m <= std::min(most, channels + of_tile - 1);
       m += of_tile) {
    if (computed(m) <= computed(best)) best = m;
  }
  return std::min(best, channels);
}

}  // namespace

Lowered LowerConv2dByWinograd(Lowering& lowering, const Node& node,
                              const NodeSchedule& schedule) {
  const Var n("n"), x("x"), y("y"), c("c"), l("l"), point("point"),
      group("group"), part("part");
  const Conv2dGeometry& g = static_cast<const Conv2dOp&>(*node.op).geometry();
  const Winograd filter = WinogradOf(g);
  const TensorType& input_type = lowering.type(node.inputs[0]);
  const std::string name = CName(node.name);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height),
            taps = static_cast<int>(g.kernel.width),
            width = static_cast<int>(node.type.shape[2]),
            channels = static_cast<int>(node.type.shape[0]),
            samples = SamplesOfRow(lowering);
  Func input = PaddedInput(lowering, node, g.padding);
  Func weight = TransformedWeight(lowering, node.inputs[1], filter);

  Func window(name + "_window"), sum(name + "_sum"),
      products(name + "_products"), result(name);
  const RDom r(0, taps, 0, static_cast<int>(input_type.shape[0]), "r");
  window(l, c, point, group, part) =
      Halide::mux(point, WindowAtPoints(lowering, filter, input, py));
  sum(l, c, point, group, part) =
      Halide::Internal::make_const(lowering.real(), 0);
  sum(l, c, point, group, part) +=
      weight(r.x, r.y, c, point) *
      window(l + samples * (r.x - px), r.y, point, group, part);
  products(l, c, point, group, part) = sum(l, c, point, group, part);
  Winograd::Elements rows = filter.EvaluateTransposed(
      AtPoints(filter,
               [&](int i) {
                 return products(samples * x + n % samples, c, i,
                                 y / kWinogradRows, n / samples);
               }),
      kWinogradRows);
  if (node.inputs.size() > 2) {
    for (Expr& row : rows) row = row + lowering.input(node, 2)(c);
  }
  result(n, x, y, c) = Halide::mux(y % kWinogradRows, rows);

  const auto tile = [=, &lowering](Func consumer, int) mutable {
    const Var ni("ni"), li("li"), yi("yi"), ci("ci");
    const int of_block = ChannelsAtATime(
        channels, schedule.tile.channels,
        filter.points() * width * samples * lowering.real().bytes());
    consumer.bound(n, 0, lowering.block())
        .bound(x, 0, width)
        .align_bounds(y, kWinogradRows)
        .bound(c, 0, channels)
        .split(n, part, ni, samples)
        .fuse(ni, x, l)
        .split(l, l, li, lowering.vector_size())
        .split(y, group, yi, kWinogradRows, Halide::TailStrategy::RoundUp)
        .split(c, c, ci, of_block, Halide::TailStrategy::ShiftInwards)
        .reorder(li, yi, l, ci, c, group, part)
        .vectorize(li)
        .unroll(yi);
    TransformAt(lowering, window, filter.points(),
                Halide::LoopLevel(consumer, group));
    products.compute_at(consumer, c)
        .bound(point, 0, filter.points())
        .bound_extent(c, of_block);
    TileProducts(lowering, products, sum, r, width, schedule, taps,
                 /*unroll_columns=*/false);
  };
  return {.func = result, .tile = tile, .rows_together = kWinogradRows};
}

// The transpose of the above: each group of the adjoint's rows gives the window
// of rows that it was computed of, and windows overlap.
Lowered LowerConv2dInputGradByWinograd(Lowering& lowering, const Node& node,
                                       const NodeSchedule& schedule) {
  const Var n("n"), x("x"), y("y"), c("c"), l("l"), point("point"),
      group("group"), part("part");
  const Conv2dGeometry& g =
      static_cast<const Conv2dInputGradOp&>(*node.op).geometry();
  const Winograd filter = WinogradOf(g);
  const Shape& output = lowering.type(node.inputs[0]).shape;
  const std::string name = CName(node.name);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height),
            taps = static_cast<int>(g.kernel.width),
            width = static_cast<int>(node.type.shape[2]),
            channels = static_cast<int>(node.type.shape[0]),
            columns = static_cast<int>(output[2]),
            groups = static_cast<int>(output[1]) / kWinogradRows,
            samples = SamplesOfRow(lowering),
            in_vector = lowering.vector_size() / samples;  // columns
  Func d_output = lowering.input(node, 0);
  Func weight = TransformedWeight(lowering, node.inputs[1], filter);
  // As in LowerConv2dInputGrad: short rows are unrolled, and taps outside cost
  // nothing. Longer ones, and vectors of several columns, which may lie across
  // the edge, read zeros there.
  const bool unroll = width / in_vector * taps <= kMaxUnrolledTaps,
             pads = !unroll || in_vector > 1;
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);

  Func d_products(name + "_products"), d_window(name + "_window"),
      sum(name + "_sum"), d_rows(name);
  const auto row = [&](int i) {
    const Expr column = l / samples,
               value = d_output(part * samples + l % samples,
                                Halide::clamp(column, 0, columns - 1),
                                kWinogradRows * group + i, c);
    return pads ? Halide::select(l >= 0 && l < columns * samples,
                                 Halide::likely(value), zero)
                : value;
  };
  d_products(l, c, point, group, part) =
      filter.EvaluateAt(row(0), row(1), point);
  RDom r(0, taps, 0, static_cast<int>(output[0]), "r");
  const Expr shifted = l + samples * (px - r.x);
  if (unroll) {
    const Expr first = l / lowering.vector_size() * in_vector + px - r.x;
    r.where(first + (in_vector - 1) >= 0 && first < columns);
  }
  sum(l, c, point, group, part) = zero;
  sum(l, c, point, group, part) +=
      weight(r.x, c, r.y, point) *
      d_products(
          pads ? shifted : Halide::clamp(shifted, 0, columns * samples - 1),
          r.y, point, group, part);
  d_window(l, c, point, group, part) = sum(l, c, point, group, part);
  // Rows of the padded input.
  const RDom w(0, filter.points(), 0, groups, "w");
  d_rows(n, x, y, c) = zero;
  d_rows(n, x, kWinogradRows * w.y + w.x, c) +=
      Halide::mux(w.x, filter.WindowTransposed(AtPoints(filter, [&](int i) {
        return d_window(samples * x + n % samples, c, i, w.y, n / samples);
      })));

  const Var ni("ni"), li("li");
  d_rows.compute_root()
      .bound(n, 0, lowering.block())
      .bound(x, 0, width)
      .bound(c, 0, channels)
      .fuse(n, x, l)
      .vectorize(l, lowering.vector_size());
  d_rows.update()
      .split(n, part, ni, samples)
      .fuse(ni, x, l)
      .split(l, l, li, lowering.vector_size())
      .reorder(li, w.x, l, c, w.y, part)
      .vectorize(li)
      .unroll(w.x);
  d_products.compute_at(d_window, point)
      .vectorize(l, lowering.vector_size(), Halide::TailStrategy::ShiftInwards);
  d_window.compute_at(d_rows, w.y)
      .bound(point, 0, filter.points())
      .bound(c, 0, channels);
  TileProducts(lowering, d_window, sum, r, width, schedule, taps, unroll);
  if (py == 0) return {d_rows};
  Func d_input(name + "_inside");
  d_input(n, x, y, c) = d_rows(n, x, y + py, c);
  return {d_input};
}

}  // namespace kiln
