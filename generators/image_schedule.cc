#include "generators/image_schedule.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "generators/lowering.h"
#include "generators/math.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr char kInBlocks[] = "in blocks ", kHalves[] = "halves ";
constexpr int64_t kOfSeveralColumns = 64;  // kMultiplyAddsOfATurn of vectors of
                                           // several columns

bool IsInBlocks(const NodeSchedule& schedule) {
  return absl::StrContains(schedule.family, kInBlocks);
}

// Input channels of which a tile of two columns leaves a quarter of the first
// cache to weights and outputs; all where there are no blocks of them.
int64_t ChannelsOfBlock(const Lowering& lowering, const ImageExtents& extents) {
  constexpr int64_t kLeast = 8, kLeastOutputs = 16;  // a few tiles
  const int64_t of_channel =
      extents.tap_bytes * (extents.taps + extents.stride);
  const int64_t most = kFirstCache * 3 / 4 / of_channel;
  if (lowering.registers() > 16 || !lowering.fast() || lowering.block() > 16 ||
      extents.channels < kLeastOutputs ||
      of_channel * extents.input_channels <= kFirstCache || most < kLeast)
    return extents.input_channels;
  const int block =
      LargestDivisor(extents.input_channels,
                     static_cast<int>(std::min(most, extents.input_channels)));
  return block < kLeast ? extents.input_channels : block;
}

ImageLanes LanesOf(const Lowering& lowering, const ImageExtents& extents,
                   const std::string& family) {
  if (absl::StrContains(family, kHalves))
    return {false, lowering.vector_size(), extents.width, 1};
  return kiln::LanesOf(lowering.block(), extents.width, extents.stride,
                       lowering.vector_size());
}

}  // namespace

std::vector<Family> ImageFamilies(const Lowering& lowering,
                                  const ImageExtents& extents,
                                  const std::string& prefix) {
  const ImageLanes lanes = LanesOf(lowering, extents, prefix);
  // Of each channel and row of the kernel a tile reads a run of columns, once
  // for all taps in x, if the first cache does not keep them.
  const double line = 64, taps = static_cast<double>(extents.taps),
               column_lines = static_cast<double>(lowering.block()) *
                              lowering.real().bytes() / line,
               vector_lines = lanes.vector * lowering.real().bytes() / line;
  const bool streams = extents.input_row_bytes > kFirstCache;
  TileSpace space = {
      .vectors = lanes.count,
      .channels = extents.channels,
      .row = lanes.fused ? std::max(1, lowering.block() / lanes.vector) : 1,
      .whole_rows = true,
      .streams = streams,
      .lines_of_vector = extents.stride * vector_lines / taps,
      .lines_of_all = (taps - extents.stride) * column_lines / taps};
  // Inputs stay in the first cache for all channels, or weights for a row of
  // columns or for all rows: first what is left when a row of inputs fits
  // there, and when it does not.
  std::vector<Family> families = {{prefix + "x c y", space},
                                  {prefix + "c x y", space},
                                  {prefix + "x y c", space}};
  if (streams) std::swap(families[0], families[1]);
  if (streams && ChannelsOfBlock(lowering, extents) < extents.input_channels) {
    space.streams = false;
    space.max_vectors = std::min(2 * space.row, space.vectors);
    families.insert(families.begin(), {kInBlocks + prefix + "c x y", space});
  } else if (space.row > 1 && !streams) {
    // Tiles of an odd number of columns; where each is emitted by itself, one
    // of whole columns has the same taps for both halves.
    const TileSpace halves = {.vectors = extents.width,
                              .channels = extents.channels};
    const bool are_less = static_cast<double>(space.row) *
                              LeastCost(halves, lowering.registers()) <
                          LeastCost(space, lowering.registers());
    families.insert(are_less ? families.begin() : families.end(),
                    {prefix + kHalves + "x c y", halves});
  }
  return families;
}

int ReductionChannels(const Lowering& lowering, const ImageExtents& extents,
                      const NodeSchedule& schedule) {
  return static_cast<int>(IsInBlocks(schedule)
                              ? ChannelsOfBlock(lowering, extents)
                              : extents.input_channels);
}

ImageSum SumOverImage(const Lowering& lowering, const std::string& name,
                      const ImageExtents& extents, const NodeSchedule& schedule,
                      const Expr& initial, RDom r,
                      const std::function<Expr(const Expr& channel)>& product) {
  const Var n("n"), x("x"), y("y"), c("c"), k("k");
  ImageSum sum{Func(name), {}, r, {}};
  sum.func(n, x, y, c) = initial;
  if (!IsInBlocks(schedule)) {
    sum.func(n, x, y, c) += product(r.z);
    return sum;
  }
  const int channels = ReductionChannels(lowering, extents, schedule);
  sum.blocks =
      RDom(0, static_cast<int>(extents.input_channels) / channels, "blocks");
  sum.part = Func(name + "_part");
  sum.part(n, x, y, c, k) = Halide::Internal::make_const(lowering.real(), 0);
  sum.part(n, x, y, c, k) += product(r.z + channels * k);
  sum.func(n, x, y, c) =
      StrictAdd(sum.func(n, x, y, c), sum.part(n, x, y, c, sum.blocks));
  return sum;
}

namespace {

// The loops over tiles of `stage` and their order by the family's name, outside
// the tile's own. Returns the innermost.
Var LoopOverTiles(const Lowering& lowering, Halide::Stage stage,
                  const ImageExtents& extents, const NodeSchedule& schedule,
                  Halide::TailStrategy tail,
                  const std::vector<Halide::VarOrRVar>& outermost = {}) {
  const Var n("n"), x("x"), c("c"), ni("ni"), xi("xi"), ci("ci"), l("l"),
      li("li"), lv("lv");
  const ImageLanes lanes = LanesOf(lowering, extents, schedule.family);
  const Tile& tile = schedule.tile;
  std::vector<Halide::VarOrRVar> order;
  std::vector<Var> columns;  // the loops over them
  if (lanes.fused) {
    stage.fuse(n, x, l)
        .split(l, l, li, lanes.vector * tile.vectors, tail)
        .split(li, li, lv, lanes.vector)
        .vectorize(lv)
        .unroll(li);
    order = {lv, li, ci};
    columns = {l};
  } else {
    stage.split(n, n, ni, lanes.vector)
        .split(x, x, xi, tile.vectors, tail)
        .vectorize(ni)
        .unroll(xi);
    order = {ni, xi, ci};
    columns = {x, n};
  }
  stage.split(c, c, ci, tile.channels, tail).unroll(ci);
  if (extents.unroll_columns) stage.unroll(columns[0]);
  std::vector<Var> loops;
  for (const char loop : schedule.family.substr(schedule.family.size() - 5)) {
    if (loop == 'x') loops.insert(loops.end(), columns.begin(), columns.end());
    if (loop == 'c') loops.push_back(c);
    if (loop == 'y' && outermost.empty()) loops.emplace_back("y");
  }
  order.insert(order.end(), loops.begin(), loops.end());
  order.insert(order.end(), outermost.begin(), outermost.end());
  stage.reorder(order);
  return loops[0];
}

// The accumulators of a tile, in registers.
void KeepInRegisters(const Lowering& lowering, Func accumulator, const RDom& r,
                     const ImageExtents& extents,
                     const NodeSchedule& schedule) {
  const Var n("n"), x("x"), y("y"), c("c"), l("l");
  const ImageLanes lanes = LanesOf(lowering, extents, schedule.family);
  const Tile& tile = schedule.tile;
  Halide::Stage update = accumulator.update();
  accumulator.store_in(Halide::MemoryType::Stack);
  if (lanes.fused) {
    accumulator.bound_extent(n, lowering.block())
        .fuse(n, x, l)
        .vectorize(l, lanes.vector)
        .unroll(l)
        .unroll(c);
    update.fuse(n, x, l)
        .reorder(l, c, r.x, r.y, r.z, y)
        .vectorize(l, lanes.vector)
        .unroll(l)
        .unroll(c);
  } else {
    accumulator.vectorize(n, lanes.vector).unroll(x).unroll(c);
    update.reorder(n, x, c, r.x, r.y, r.z, y)
        .vectorize(n, lanes.vector)
        .unroll(x)
        .unroll(c);
  }
  // A turn of the innermost loop is some hundred multiply-adds, so that
  // counting and mispredicted ends do not matter.
  if (extents.unroll_columns ||
      tile.vectors * tile.channels * extents.taps <=
          (lanes.columns == 1 ? kMultiplyAddsOfATurn : kOfSeveralColumns))
    update.unroll(r.x);
}

}  // namespace

void TileImage(const Lowering& lowering, const ImageSum& sum, Func consumer,
               const ImageExtents& extents, const NodeSchedule& schedule) {
  const Var n("n"), x("x"), y("y"), c("c");
  // All of it, however little is read: a tile shifted inwards of less would
  // start before the first column.
  consumer.bound(x, 0, static_cast<int>(extents.width))
      .bound(c, 0, static_cast<int>(extents.channels));
  Func func = sum.func, accumulator = sum.in_blocks() ? sum.part : func;
  if (sum.in_blocks()) {
    LoopOverRows(lowering, consumer, extents.width);
    func.compute_at(consumer, y)
        .bound(n, 0, lowering.block())
        .bound(x, 0, static_cast<int>(extents.width))
        .bound(c, 0, static_cast<int>(extents.channels));
    LoopOverRows(lowering, func, extents.width);
    // What a last tile would add twice is left as it is.
    accumulator.compute_at(
        func, LoopOverTiles(lowering, func.update(), extents, schedule,
                            Halide::TailStrategy::ShiftInwardsAndBlend,
                            {sum.blocks.x, y}));
  } else {
    accumulator.compute_at(consumer,
                           LoopOverTiles(lowering, consumer, extents, schedule,
                                         Halide::TailStrategy::ShiftInwards));
  }
  KeepInRegisters(lowering, accumulator, sum.r, extents, schedule);
}

}  // namespace kiln
