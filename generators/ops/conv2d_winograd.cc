#include "generators/ops/conv2d_winograd.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "generators/winograd.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr char kFamily[] = "winograd ", kColumnsFirst[] = "winograd x c",
               kChannelsFirst[] = "winograd c x", kOfWeights[] = "winograd";
constexpr int kRows = 2;  // of outputs at a time
// Of products, before they are transformed to outputs; of a whole image's
// windows, for the weight's gradient.
constexpr int64_t kMostProducts = 32 << 10, kMostWindows = 256 << 10;
constexpr int kMultiplyAddsOfATurn = 128;  // as in image_schedule.cc
constexpr int kMostUnrolledTaps = 200;     // as in conv2d.cc
constexpr double kWorthIt = 0.9;

const Var n("n"), x("x"), y("y"), c("c"), point("point"), group("group");

Winograd FilterOf(const Conv2dGeometry& g) {
  return {kRows, static_cast<int>(g.kernel.height)};
}

// Output rows in groups of kRows, all of them whole.
bool IsPossible(const Lowering& lowering, const Conv2dGeometry& g,
                const Shape& output) {
  return lowering.fast() && lowering.real() == Halide::Float(32) &&
         lowering.vector_size() > 1 &&
         lowering.block() % lowering.vector_size() == 0 &&
         (g.kernel.height == 3 || g.kernel.height == 5) &&
         g.stride.height == 1 && g.stride.width == 1 && output[1] % kRows == 0;
}

int64_t VectorBytes(const Lowering& lowering) {
  return lowering.vector_size() * lowering.real().bytes();
}

// e(n, x, c, point, group): element `point` of `elements`, each of vectors.
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

// `transformed`(n, x, c, point, group) of one vector of samples.
void TransformAt(const Lowering& lowering, Func transformed, int points,
                 const Halide::LoopLevel& level) {
  transformed.compute_at(level)
      .bound_extent(n, lowering.vector_size())
      .bound(point, 0, points)
      .reorder(n, point, x, c, group)
      .vectorize(n)
      .unroll(point);
}

// The products at the points, summed over the kernel's columns and channels in
// register tiles: `sum` of (n, x, c, point, group), stored in `products`.
void TileProducts(const Lowering& lowering, Func products, Func sum,
                  const RDom& r, int width, const NodeSchedule& schedule,
                  int taps, bool unroll_columns) {
  const Var xi("xi"), ci("ci");
  const Tile& tile = schedule.tile;
  const bool columns_first = schedule.family == kColumnsFirst;
  products.bound(x, 0, width)
      .bound_extent(n, lowering.vector_size())
      .split(x, x, xi, tile.vectors, Halide::TailStrategy::ShiftInwards)
      .split(c, c, ci, tile.channels, Halide::TailStrategy::ShiftInwards)
      .reorder(n, xi, ci, columns_first ? x : c, columns_first ? c : x, point,
               group)
      .vectorize(n)
      .unroll(xi)
      .unroll(ci);
  if (unroll_columns) products.unroll(x);
  sum.compute_at(products, columns_first ? x : c)
      .store_in(Halide::MemoryType::Stack)
      .vectorize(n)
      .unroll(x)
      .unroll(c);
  sum.update().reorder(n, x, c, r.x, r.y).vectorize(n).unroll(x).unroll(c);
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
  return absl::StartsWith(schedule.family, kOfWeights);
}

namespace {

// Sums over `read` into `written`, forward or back. Cycles were measured for
// lenet5 and mnist_cnn: for each point, of a vector that is read and
// transformed, and of one that is written.
struct ImageWork {
  const Shape &read, &written;
  int64_t columns;  // of each row that count: others are padding
  double of_read, of_written;
};

void OfferImageFamilies(const Lowering& lowering, const Conv2dGeometry& g,
                        const Shape& output, const ImageWork& work,
                        std::vector<Family>& families) {
  if (!IsPossible(lowering, g, output)) return;
  const double points = FilterOf(g).points(),
               taps = static_cast<double>(g.kernel.width),
               rows = static_cast<double>(g.kernel.height),
               inputs = static_cast<double>(work.read[0]),
               channels = static_cast<double>(work.written[0]),
               columns_read = static_cast<double>(work.read[2]),
               columns = static_cast<double>(work.written[2]);
  const auto vector_bytes = static_cast<double>(VectorBytes(lowering));
  const double lines = vector_bytes / 64;
  const bool streams =
      columns_read * inputs * vector_bytes > static_cast<double>(kFirstCache);
  const TileSpace space = {.vectors = work.written[2],
                           .channels = work.written[0],
                           .streams = streams,
                           .lines_of_vector = lines / taps,
                           .lines_of_all = (taps - 1) * lines / taps};
  // Of two rows of a vector of samples.
  const double vectors = lowering.block() / lowering.vector_size(),
               groups = static_cast<double>(output[1]) / kRows;
  const auto sums = [&](const TileSpace& of) {
    const bool is_fused = of.vectors > work.written[2];
    return taps * inputs * static_cast<double>(work.columns) / columns *
           TileCost(of, ChooseTile(of, lowering.registers())) /
           (is_fused ? vectors : 1);
  };
  const double transforms =
      points * (work.of_read * columns_read * inputs +
                work.of_written * columns * channels) +
      rows * taps * inputs * channels / (groups * vectors);
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
  OfferImageFamilies(lowering, g, output, {input, output, output[2], 2, 1.5},
                     families);
}

void OfferWinogradInputGrad(const Lowering& lowering, const Conv2dGeometry& g,
                            const Shape& input, const Shape& output,
                            std::vector<Family>& families) {
  OfferImageFamilies(lowering, g, output, {output, input, output[2], 3, 6},
                     families);
}

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
            height = static_cast<int>(node.type.shape[1]),
            channels = static_cast<int>(node.type.shape[0]);
  Func input = lowering.input(node, 0);
  if (px > 0 || py > 0)
    input = ZeroPadded(lowering, input, input_type, name + "_padded");
  Func weight = TransformedWeight(lowering, node.inputs[1], filter);

  Func window(name + "_window"), sum(name + "_sum"),
      products(name + "_products"), result(name);
  const RDom r(0, taps, 0, static_cast<int>(input_type.shape[0]), "r");
  DefineByPoint(window, {n, x, c, point, group},
                filter.Window(AtPoints(filter, [&](int i) {
                  return input(n, x, kRows * group + i - py, c);
                })));
  sum(n, x, c, point, group) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, x, c, point, group) +=
      weight(r.x, r.y, c, point) * window(n, x + r.x - px, r.y, point, group);
  products(n, x, c, point, group) = sum(n, x, c, point, group);
  Winograd::Elements rows = filter.EvaluateTransposed(
      AtPoints(filter, [&](int i) { return products(n, x, c, i, y / kRows); }),
      kRows);
  if (node.inputs.size() > 2) {
    for (Expr& row : rows) row = row + lowering.input(node, 2)(c);
  }
  result(n, x, y, c) = Halide::mux(y % kRows, rows);

  const auto tile = [=, &lowering](Func consumer, int) mutable {
    const Var ni("ni"), yi("yi"), ci("ci");
    const int64_t bytes = filter.points() * width * VectorBytes(lowering);
    const int most = static_cast<int>(kMostProducts / bytes) /
                     schedule.tile.channels * schedule.tile.channels;
    const int of_block =
        std::min(channels, std::max(most, schedule.tile.channels));
    consumer.bound(x, 0, width)
        .bound(y, 0, height)
        .bound(c, 0, channels)
        .split(n, n, ni, lowering.vector_size())
        .split(y, group, yi, kRows)
        .split(c, c, ci, of_block, Halide::TailStrategy::ShiftInwards)
        .reorder(ni, yi, x, ci, c, group, n)
        .vectorize(ni)
        .unroll(yi);
    TransformAt(lowering, window, filter.points(),
                Halide::LoopLevel(consumer, group));
    products.compute_at(consumer, c)
        .bound(point, 0, filter.points())
        .bound_extent(c, of_block);
    TileProducts(lowering, products, sum, r, width, schedule, taps,
                 /*unroll_columns=*/false);
  };
  return {.func = result, .tile = tile, .period_y = kRows};
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
            groups = static_cast<int>(output[1]) / kRows;
  Func d_output = lowering.input(node, 0);
  Func weight = TransformedWeight(lowering, node.inputs[1], filter);
  // As in LowerConv2dInputGrad: short rows are unrolled, and taps outside cost
  // nothing; longer ones are extended by zeros.
  const bool unroll = width * taps <= kMostUnrolledTaps;
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);

  Func d_products(name + "_products"), d_window(name + "_window"),
      sum(name + "_sum"), d_rows(name);
  Winograd::Elements rows;
  for (int i = 0; i < kRows; ++i) {
    const Expr value =
        d_output(n, Halide::clamp(x, 0, columns - 1), kRows * group + i, c);
    rows.push_back(unroll ? value
                          : Halide::select(x >= 0 && x < columns,
                                           Halide::likely(value), zero));
  }
  DefineByPoint(d_products, {n, x, c, point, group}, filter.Evaluate(rows));
  RDom r(0, taps, 0, static_cast<int>(output[0]), "r");
  const Expr column = x + px - r.x;
  if (unroll) r.where(column >= 0 && column < columns);
  sum(n, x, c, point, group) = zero;
  sum(n, x, c, point, group) +=
      weight(r.x, c, r.y, point) *
      d_products(n, unroll ? Halide::clamp(column, 0, columns - 1) : column,
                 r.y, point, group);
  d_window(n, x, c, point, group) = sum(n, x, c, point, group);
  // Rows of the padded input.
  const RDom w(0, filter.points(), 0, groups, "w");
  d_rows(n, x, y, c) = zero;
  d_rows(n, x, kRows * w.y + w.x, c) += Halide::mux(
      w.x, filter.WindowTransposed(AtPoints(
               filter, [&](int i) { return d_window(n, x, c, i, w.y); })));

  const Var ni("ni");
  d_rows.compute_root()
      .bound(x, 0, width)
      .bound(c, 0, channels)
      .vectorize(n, lowering.vector_size());
  d_rows.update()
      .split(n, n, ni, lowering.vector_size())
      .reorder(ni, w.x, x, c, w.y, n)
      .vectorize(ni)
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
  const Winograd filter = FilterOf(g);
  if (!IsPossible(lowering, g, output)) return;
  const Windows windows = WindowsOf(lowering, filter, g, input, output);
  const TileSpace space = {.vectors = g.kernel.width * input[0],
                           .channels = output[0],
                           .exact_vectors = true,
                           .exact_channels = true,
                           .max_vectors = g.kernel.width * windows.channels,
                           .row = g.kernel.width,
                           .streams = !windows.at_all_points};
  const Tile tile = ChooseTile(space, lowering.registers());
  const double points = filter.points(),
               taps = static_cast<double>(g.kernel.height),
               vectors = lowering.block() / lowering.vector_size(),
               groups = static_cast<double>(output[1]) / kRows,
               columns = static_cast<double>(output[2]),
               of_kernels =
                   static_cast<double>(g.kernel.width * input[0] * output[0]);
  // Cycles; a sum across the lanes takes some 6, a kernel's transform 3.
  const double sums =
                   vectors * groups * columns * points * TileCost(space, tile),
               transforms =
                   vectors * groups * points *
                   (2.0 * static_cast<double>(input[2] * input[0]) +
                    1.5 * columns * static_cast<double>(output[0]) *
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
                  {kOfWeights, space});
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
            lanes = lowering.vector_size(), vectors = lowering.block() / lanes,
            outputs = static_cast<int>(output[0]);
  Func input = lowering.input(node, 0), d_output = lowering.input(node, 1);
  if (px > 0 || py > 0)
    input = ZeroPadded(lowering, input, input_type, name + "_padded");

  const Var lane("lane"), kx("kx"), ky("ky"), ci("ci"), co("co");
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  Func window(name + "_window"), d_products(name + "_products"),
      tile_sums(name + "_tile"), across_sum(name + "_across"),
      d_weight_at(name + "_partial"), d_weight(name);
  DefineByPoint(window, {n, x, c, group, point},
                filter.Window(AtPoints(filter, [&](int i) {
                  return input(n, x, kRows * group + i - py, c);
                })));
  Winograd::Elements rows;
  for (int i = 0; i < kRows; ++i)
    rows.push_back(d_output(n, x, kRows * group + i, c));
  DefineByPoint(d_products, {n, x, c, group, point}, filter.Evaluate(rows));
  const RDom r(0, static_cast<int>(output[2]), 0,
               static_cast<int>(output[1]) / kRows, 0, vectors, "r");
  const Expr sample = lane + lanes * r.z;
  tile_sums(lane, kx, ci, co, point) = zero;
  tile_sums(lane, kx, ci, co, point) +=
      window(sample, r.x + kx - px, ci, r.y, point) *
      d_products(sample, r.x, co, r.y, point);
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
      .vectorize(n, lanes);
  window.compute_at(d_weight_at, windows.at_all_points ? channels : point)
      .reorder(n, point, x, c, group)
      .vectorize(n, lanes);
  if (windows.at_all_points) window.bound(point, 0, points).unroll(point);
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
