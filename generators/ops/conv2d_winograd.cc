#include "generators/ops/conv2d_winograd.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "generators/image_schedule.h"
#include "generators/winograd.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr char kColumnsFirst[] = "winograd x c",
               kChannelsFirst[] = "winograd c x", kPrefix[] = "winograd";
constexpr int kRows = 2;  // of outputs at a time
// Of products, before they are transformed to outputs; of a whole image's
// windows, for the weight's gradient.
constexpr int64_t kMostProducts = 32 << 10, kMostWindows = 256 << 10;
constexpr double kWorthIt = 0.9;

// Inside, a vector is of samples, or, where a block is short, of several
// columns of them all: position l of a row holds column l / samples, and of it
// sample l % samples of part `part` of the block. So a step in x is a shift of
// l.
const Var n("n"), x("x"), y("y"), c("c"), l("l"), point("point"),
    group("group"), part("part");

Winograd FilterOf(const Conv2dGeometry& g) {
  return {kRows, static_cast<int>(g.kernel.height)};
}

int SamplesOf(const Lowering& lowering) {
  return std::min(lowering.block(), lowering.vector_size());
}

// Output rows in groups of kRows, all of them whole, and rows of whole vectors.
bool IsPossible(const Lowering& lowering, const Conv2dGeometry& g,
                const Shape& input, const Shape& output) {
  const int samples = SamplesOf(lowering);
  return lowering.fast() && lowering.real() == Halide::Float(32) &&
         samples > 1 && lowering.block() % samples == 0 &&
         input[2] * samples % lowering.vector_size() == 0 &&
         output[2] * samples % lowering.vector_size() == 0 &&
         (g.kernel.height == 3 || g.kernel.height == 5) &&
         g.stride.height == 1 && g.stride.width == 1 && output[1] % kRows == 0;
}

int64_t VectorBytes(const Lowering& lowering) {
  return lowering.vector_size() * lowering.real().bytes();
}

// Element `point`, one of `vars`, of `elements`.
void DefineByPoint(Func func, const std::vector<Var>& vars,
                   const Winograd::Elements& elements) {
  func(vars) = Halide::mux(point, elements);
}

// The kernels at the points, k(kx, ci, co, point): of both directions.
Func TransformedWeight(Lowering& lowering, NodeId weight_id,
                       const Winograd& filter) {
  const Var kx("kx"), ci("ci"), co("co");
  const std::string name = CName(lowering.graph().node(weight_id).name);
  Func& transformed = lowering.shared(name + "_winograd");
  if (transformed.defined()) return transformed;
  transformed = Func(name + "_winograd");
  Winograd::Elements rows;
  for (int ky = 0; ky < filter.taps(); ++ky)
    rows.push_back(lowering.func(weight_id)(kx, ky, ci, co));
  Winograd::Elements values = filter.Evaluate(rows);
  for (int i = 0; i < filter.points(); ++i)
    values[i] = values[i] * static_cast<float>(1 / filter.Divisor(i));
  DefineByPoint(transformed, {kx, ci, co, point}, values);

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

// `transformed`(l, c, point, group, part).
void TransformAt(const Lowering& lowering, Func transformed, int points,
                 const Halide::LoopLevel& level) {
  const Var li("li");
  transformed.compute_at(level)
      .bound(point, 0, points)
      .split(l, l, li, lowering.vector_size(),
             Halide::TailStrategy::ShiftInwards)
      .reorder(li, point, l, c, group, part)
      .vectorize(li)
      .unroll(point);
}

// The products at the points, summed over the kernel's columns and channels in
// register tiles: `sum`(l, c, point, group, part), stored in `products`.
void TileProducts(const Lowering& lowering, Func products, Func sum,
                  const RDom& r, int columns, const NodeSchedule& schedule,
                  int taps, bool unroll_columns) {
  const Var li("li"), lv("lv"), ci("ci");
  const Tile& tile = schedule.tile;
  const int vector = lowering.vector_size();
  const bool columns_first = schedule.family == kColumnsFirst;
  products.bound(l, 0, SamplesOf(lowering) * columns)
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

Winograd::Elements AtPoints(const Winograd& filter,
                            const std::function<Expr(int point)>& at) {
  Winograd::Elements elements;
  for (int i = 0; i < filter.points(); ++i) elements.push_back(at(i));
  return elements;
}

}  // namespace

bool IsWinograd(const NodeSchedule& schedule) {
  return absl::StartsWith(schedule.family, kPrefix);
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
  const int64_t samples = SamplesOf(lowering),
                in_vector = lowering.vector_size() / samples;  // columns
  const double points = FilterOf(g).points(),
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
               groups = static_cast<double>(output[1]) / kRows,
               // of the columns, whose taps count: others are padding
      share = static_cast<double>(std::min(output[2], work.written[2])) /
              static_cast<double>(work.written[2]);
  const auto sums = [&](const TileSpace& of) {
    return taps * inputs * share *
           TileCost(of, ChooseTile(of, lowering.registers())) /
           (of.vectors > space.vectors ? parts : 1);
  };
  const double transforms = points * (work.of_read * vectors_read * inputs +
                                      work.of_written * vectors * channels) +
                            rows * taps * inputs * channels / (groups * parts);
  const bool is_first = points * sums(space) + transforms <
                        kWorthIt * kRows * rows * sums(families[0].space);
  std::vector<Family> ours = {{kColumnsFirst, space}, {kChannelsFirst, space}};
  if (streams) std::swap(ours[0], ours[1]);
  families.insert(is_first ? families.begin() : families.end(), ours.begin(),
                  ours.end());
}

}  // namespace

void OfferWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                   const Shape& input, const Shape& output,
                   std::vector<Family>& families) {
  if (IsPossible(lowering, g, input, output))
    OfferImageFamilies(lowering, g, output, {input, output, 2, 1.5}, families);
}

void OfferWinogradInputGrad(const Lowering& lowering, const Conv2dGeometry& g,
                            const Shape& input, const Shape& output,
                            std::vector<Family>& families) {
  if (IsPossible(lowering, g, input, output))
    OfferImageFamilies(lowering, g, output, {output, input, 3, 6}, families);
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
  const Conv2dGeometry& g = static_cast<const Conv2dOp&>(*node.op).geometry();
  const Winograd filter = FilterOf(g);
  const TensorType& input_type = lowering.type(node.inputs[0]);
  const std::string name = CName(node.name);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height),
            taps = static_cast<int>(g.kernel.width),
            width = static_cast<int>(node.type.shape[2]),
            channels = static_cast<int>(node.type.shape[0]),
            samples = SamplesOf(lowering);
  Func input = lowering.input(node, 0);
  if (px > 0 || py > 0)
    input = ZeroPadded(lowering, input, input_type, name + "_padded");
  Func weight = TransformedWeight(lowering, node.inputs[1], filter);

  Func window(name + "_window"), sum(name + "_sum"),
      products(name + "_products"), result(name);
  const RDom r(0, taps, 0, static_cast<int>(input_type.shape[0]), "r");
  DefineByPoint(window, {l, c, point, group, part},
                filter.Window(AtPoints(filter, [&](int i) {
                  return input(part * samples + l % samples, l / samples,
                               kRows * group + i - py, c);
                })));
  sum(l, c, point, group, part) =
      Halide::Internal::make_const(lowering.real(), 0);
  sum(l, c, point, group, part) +=
      weight(r.x, r.y, c, point) *
      window(l + samples * (r.x - px), r.y, point, group, part);
  products(l, c, point, group, part) = sum(l, c, point, group, part);
  Winograd::Elements rows = filter.EvaluateTransposed(
      AtPoints(filter,
               [&](int i) {
                 return products(samples * x + n % samples, c, i, y / kRows,
                                 n / samples);
               }),
      kRows);
  if (node.inputs.size() > 2) {
    for (Expr& row : rows) row = row + lowering.input(node, 2)(c);
  }
  result(n, x, y, c) = Halide::mux(y % kRows, rows);

  const auto tile = [=, &lowering](Func consumer, int) mutable {
    const Var ni("ni"), li("li"), yi("yi"), ci("ci");
    const int of_block = ChannelsAtATime(
        channels, schedule.tile.channels,
        filter.points() * width * samples * lowering.real().bytes());
    consumer.bound(n, 0, lowering.block())
        .bound(x, 0, width)
        .align_bounds(y, kRows)
        .bound(c, 0, channels)
        .split(n, part, ni, samples)
        .fuse(ni, x, l)
        .split(l, l, li, lowering.vector_size())
        .split(y, group, yi, kRows, Halide::TailStrategy::RoundUp)
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
  return {.func = result, .tile = tile, .rows_together = kRows};
}

// The transpose of the above: each group of the adjoint's rows gives the window
// of rows that it was computed of, and windows overlap.
Lowered LowerConv2dInputGradByWinograd(Lowering& lowering, const Node& node,
                                       const NodeSchedule& schedule) {
  const Conv2dGeometry& g =
      static_cast<const Conv2dInputGradOp&>(*node.op).geometry();
  const Winograd filter = FilterOf(g);
  const Shape& output = lowering.type(node.inputs[0]).shape;
  const std::string name = CName(node.name);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height),
            taps = static_cast<int>(g.kernel.width),
            width = static_cast<int>(node.type.shape[2]),
            channels = static_cast<int>(node.type.shape[0]),
            columns = static_cast<int>(output[2]),
            groups = static_cast<int>(output[1]) / kRows,
            samples = SamplesOf(lowering),
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
  Winograd::Elements rows;
  for (int i = 0; i < kRows; ++i) {
    const Expr column = l / samples,
               value = d_output(part * samples + l % samples,
                                Halide::clamp(column, 0, columns - 1),
                                kRows * group + i, c);
    rows.push_back(pads ? Halide::select(l >= 0 && l < columns * samples,
                                         Halide::likely(value), zero)
                        : value);
  }
  DefineByPoint(d_products, {l, c, point, group, part}, filter.Evaluate(rows));
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
  d_rows(n, x, kRows * w.y + w.x, c) +=
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
  TransformAt(lowering, d_products, filter.points(),
              Halide::LoopLevel(d_rows, w.y));
  d_window.compute_at(d_rows, w.y)
      .bound(point, 0, filter.points())
      .bound(c, 0, channels);
  TileProducts(lowering, d_window, sum, r, width, schedule, taps, unroll);
  if (py == 0) return {d_rows};
  Func d_input(name + "_inside");
  d_input(n, x, y, c) = d_rows(n, x, y + py, c);
  return {d_input};
}

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
  const int64_t of_channel = (output[1] / kRows) *
                             (input[2] + 2 * g.padding.width) *
                             lowering.block() * lowering.real().bytes();
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
  if (!IsPossible(lowering, g, input, output)) return;
  const Winograd filter = FilterOf(g);
  const Windows windows = WindowsOf(lowering, filter, g, input, output);
  // Of the channels whose windows are at hand.
  const TileSpace space = {.vectors = g.kernel.width * windows.channels,
                           .channels = output[0],
                           .exact_vectors = true,
                           .exact_channels = true,
                           .row = g.kernel.width,
                           .streams = !windows.at_all_points};
  const Tile tile = ChooseTile(space, lowering.registers());
  const double points = filter.points(),
               taps = static_cast<double>(g.kernel.height),
               groups = static_cast<double>(output[1]) / kRows,
               // of columns to vectors, of all samples
      vectors = static_cast<double>(lowering.block()) / lowering.vector_size(),
               columns = static_cast<double>(output[2]),
               of_kernels =
                   static_cast<double>(g.kernel.width * input[0] * output[0]);
  // Cycles; a sum across the lanes takes some 6, a kernel's transform 3.
  const double sums = vectors * groups * columns * points *
                      TileCost(space, tile) *
                      static_cast<double>(input[0] / windows.channels),
               transforms =
                   vectors * groups * points *
                   (3.0 * static_cast<double>(input[2] * input[0]) +
                    3.0 * columns * static_cast<double>(output[0]) *
                        static_cast<double>(input[0] / windows.channels)),
               across = 6 * of_kernels;
  const double plain =
      vectors * groups * kRows * columns * taps *
      TileCost(families[0].space,
               ChooseTile(families[0].space, lowering.registers()));
  const bool is_first =
      sums + transforms + points * across + 3 * of_kernels * taps <
      kWorthIt * (plain + taps * across);
  families.insert(is_first ? families.begin() : families.end(),
                  {kPrefix, space});
}

Lowered LowerConv2dWeightGradByWinograd(Lowering& lowering, const Node& node,
                                        const NodeSchedule& schedule) {
  const Conv2dGeometry& g =
      static_cast<const Conv2dWeightGradOp&>(*node.op).geometry();
  const Winograd filter = FilterOf(g);
  const TensorType& input_type = lowering.type(node.inputs[0]);
  const Shape& output = lowering.type(node.inputs[1]).shape;
  const std::string name = CName(node.name);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height), points = filter.points(),
            lanes = lowering.vector_size(), samples = SamplesOf(lowering),
            outputs = static_cast<int>(output[0]);
  Func input = lowering.input(node, 0), d_output = lowering.input(node, 1);
  if (px > 0 || py > 0)
    input = ZeroPadded(lowering, input, input_type, name + "_padded");

  const Var lane("lane"), kx("kx"), ky("ky"), ci("ci"), co("co");
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0),
             sample = part * samples + l % samples, column = l / samples;
  Func window(name + "_window"), d_products(name + "_products"),
      tile_sums(name + "_tile"), across_sum(name + "_across"),
      d_weight_at(name + "_partial"), d_weight(name);
  DefineByPoint(window, {l, c, group, part, point},
                filter.Window(AtPoints(filter, [&](int i) {
                  return input(sample, column, kRows * group + i - py, c);
                })));
  Winograd::Elements rows;
  for (int i = 0; i < kRows; ++i)
    rows.push_back(d_output(sample, column, kRows * group + i, c));
  DefineByPoint(d_products, {l, c, group, part, point}, filter.Evaluate(rows));
  const RDom r(0, static_cast<int>(output[2]) * samples / lanes, 0,
               static_cast<int>(output[1]) / kRows, 0,
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
              AtPoints(filter,
                       [&](int i) {
                         return d_weight_at(kx, ci, co, i) *
                                static_cast<float>(1 / filter.Divisor(i));
                       }),
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
  window.compute_at(d_weight_at, windows.at_all_points ? channels : point);
  if (windows.at_all_points) {
    const Var li("li");
    window.bound(point, 0, points)
        .split(l, l, li, lanes, Halide::TailStrategy::ShiftInwards)
        .reorder(li, point, l, c, group, part)
        .vectorize(li)
        .unroll(point);
  } else {
    window.vectorize(l, lanes);
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
