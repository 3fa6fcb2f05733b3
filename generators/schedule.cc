#include "generators/schedule.h"

#include <algorithm>

#include "generators/lowering.h"
#include "generators/one_sample.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::Var;

int VectorRegisters(const Halide::Target& target) {
  const bool many = target.arch == Halide::Target::ARM ||
                    target.arch == Halide::Target::RISCV ||
                    target.has_feature(Halide::Target::AVX512) ||
                    target.has_feature(Halide::Target::AVX512_Skylake);
  return many ? 32 : 16;
}

bool Contains(const TileSpace& space, const Tile& tile, int registers) {
  const int64_t most =
      space.max_vectors > 0 ? space.max_vectors : space.vectors;
  if (tile.vectors < 1 || tile.channels < 1) return false;
  if (tile.vectors > most || tile.channels > space.channels) return false;
  if (space.exact_vectors && space.vectors % tile.vectors != 0) return false;
  if (tile.vectors % space.row != 0 &&
      (space.whole_rows || space.row % tile.vectors != 0))
    return false;
  if (space.exact_channels && space.channels % tile.channels != 0) return false;
  return tile.vectors * tile.channels * space.each + tile.vectors + 1 <=
         registers;
}

bool Contains(const Family& family, const Tile& tile, int registers) {
  return tile == family.rule || Contains(family.space, tile, registers);
}

NodeSchedule ComputedSchedule(const Family& family, int registers) {
  return {family.name,
          family.rule ? *family.rule : ChooseTile(family.space, registers)};
}

namespace {

double StreamCycles(const TileSpace& space, int t, int k) {
  if (!space.streams) return 0;
  const double lines = space.lines_of_vector * t + space.lines_of_all;
  if (lines > 0) return 4 * lines;
  return 2 * static_cast<double>((t + space.row - 1) / space.row + k);
}

}  // namespace

double TileCost(const TileSpace& space, const Tile& tile) {
  const int t = tile.vectors, k = tile.channels * space.each;
  const double tiles =
      static_cast<double>((space.vectors + t - 1) / t) *
      static_cast<double>((space.channels + tile.channels - 1) / tile.channels);
  const double cycles =
      std::max({t * k / 2.0, (t + k) / 2.0, 4.25, StreamCycles(space, t, k)});
  const double overhead = 0.05;  // of a tile's prologue and epilogue: between
                                 // equals, the larger tile
  return tiles * (cycles + overhead);
}

std::vector<Tile> TilesByCost(const TileSpace& space, int registers) {
  std::vector<Tile> tiles;
  for (int t = 1; t <= registers / 2; ++t) {
    for (int k = 1; k <= registers; ++k) {
      if (Contains(space, {t, k}, registers)) tiles.push_back({t, k});
    }
  }
  std::stable_sort(tiles.begin(), tiles.end(),
                   [&](const Tile& a, const Tile& b) {
                     return TileCost(space, a) < TileCost(space, b);
                   });
  return tiles;
}

Tile ChooseTile(const TileSpace& space, int registers) {
  const std::vector<Tile> tiles = TilesByCost(space, registers);
  return tiles.empty() ? Tile{} : tiles.front();
}

double LeastCost(const TileSpace& space, int registers) {
  return TileCost(space, ChooseTile(space, registers));
}

int LargestVector(int64_t extent, int limit) {
  int vector = 1;
  while (vector * 2 <= limit && vector * 2 <= extent) vector *= 2;
  return vector;
}

int LargestDivisor(int64_t extent, int limit) {
  for (int divisor = limit; divisor > 1; --divisor) {
    if (extent % divisor == 0) return divisor;
  }
  return 1;
}

int VectorDivisor(int64_t extent, int limit) {
  int vector = 1;
  while (vector * 2 <= limit && extent % (vector * 2) == 0) vector *= 2;
  return vector;
}

ImageLanes LanesOf(int block, int64_t width, int stride, int vector_size) {
  constexpr int kLine = 64 / sizeof(float);
  if (stride == 1 && vector_size < block && block == kLine)
    return {true, vector_size, block / vector_size * width, 1};
  int vector = vector_size;
  while (vector > block * width) vector /= 2;
  const bool holds_whole_columns = vector > block && vector % block == 0;
  if (stride != 1 || !holds_whole_columns)
    return {false, VectorDivisor(block, vector_size), width, 1};
  return {true, vector, block * width / vector, vector / block};
}

int RowLanes(int block, int64_t width, int stride, int vector_size) {
  const ImageLanes lanes = LanesOf(block, width, stride, vector_size);
  if (!lanes.fused) return lanes.vector;
  const int vector = VectorDivisor(block * width, lanes.vector);
  return vector % block == 0 ? vector : VectorDivisor(block, vector_size);
}

Halide::Stage StageOf(Func func, int stage) {
  return stage < 0 ? Halide::Stage(func) : func.update(stage);
}

namespace {

// Vectors of samples, several in a step.
void StoreSamples(const Lowering& lowering, Func func) {
  constexpr int kVectors = 4;
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  if (vector == 1) return;
  const Var n = func.args()[0];
  func.vectorize(n, vector);
  func.unroll(n, LargestDivisor(lowering.block() / vector, kVectors));
}

}  // namespace

void LoopOverRows(const Lowering& lowering, Func func, int64_t width) {
  const std::vector<Var> vars = func.args();
  const Var n = vars[0], x = vars[1], l("l");
  const ImageLanes lanes =
      LanesOf(lowering.block(), width, 1, lowering.vector_size());
  func.reorder(n, x, vars[3], vars[2]);
  if (lanes.columns == 1) return StoreSamples(lowering, func);
  func.bound(n, 0, lowering.block())
      .fuse(n, x, l)
      .vectorize(l, lanes.vector, Halide::TailStrategy::ShiftInwards);
}

void BoundToShape(Func func, const Shape& shape) {
  const std::vector<Var> vars = func.args();
  for (size_t d = 0; d < shape.size(); ++d)
    func.bound(vars[d + 1], 0, static_cast<int>(shape[shape.size() - 1 - d]));
}

TileSpace VectorSpace(const Lowering& lowering, int64_t features) {
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  return {.vectors = lowering.block() / vector,
          .channels = features,
          .exact_vectors = true};
}

void TileVector(const Lowering& lowering, Func accumulator, Func consumer,
                const RDom& r, int64_t features, const Tile& tile) {
  const Var n("n"), i("i"), ni("ni"), nv("nv"), ii("ii");
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  BoundToShape(consumer, {features});
  consumer.split(n, n, ni, vector * tile.vectors)
      .split(ni, ni, nv, vector)
      .split(i, i, ii, tile.channels, Halide::TailStrategy::ShiftInwards)
      .reorder(nv, ni, ii, n, i)
      .vectorize(nv)
      .unroll(ni)
      .unroll(ii);
  accumulator.compute_at(consumer, n).store_in(Halide::MemoryType::Stack);
  accumulator.vectorize(n, vector).unroll(n).unroll(i);
  accumulator.update()
      .reorder(n, i, r[0])
      .vectorize(n, vector)
      .unroll(n)
      .unroll(i);
}

Func ZeroExtended(Func input, const TensorType& type, const std::string& name) {
  const Var n("n"), x("x"), y("y"), c("c");
  const int width = static_cast<int>(type.shape[2]),
            height = static_cast<int>(type.shape[1]);
  const Expr value = input(n, Halide::clamp(x, 0, width - 1),
                           Halide::clamp(y, 0, height - 1), c);
  const Expr zero = Halide::Internal::make_const(value.type(), 0);
  // One condition for each loop, which is then split into its border and what
  // is inside: Halide does not do that by conditions on both.
  const Expr in_row =
      Halide::select(x >= 0 && x < width, Halide::likely(value), zero);
  Func extended(name);
  extended(n, x, y, c) =
      Halide::select(y >= 0 && y < height, Halide::likely(in_row), zero);
  return extended;
}

Func ZeroPadded(const Lowering& lowering, Func input, const TensorType& type,
                const std::string& name) {
  if (IsOneSample(lowering))
    return StoreBordered(lowering, input, type, Size2(0), type.shape, name);
  Func padded = ZeroExtended(input, type, name);
  StoreRoot(lowering, padded, type.shape);
  return padded;
}

Func PaddedInput(const Lowering& lowering, const Node& node,
                 const Size2& padding) {
  const Func& input = lowering.input(node, 0);
  if (padding == Size2(0)) return input;
  return ZeroPadded(lowering, input, lowering.type(node.inputs[0]),
                    CName(node.name) + "_padded");
}

void StoreTransposed(const Lowering& lowering, Func stored, const Var& inner,
                     int64_t inner_extent, Func source, const Var& outer,
                     int64_t outer_extent) {
  // Of bytes 16 at least (generators/transpose_pass.h).
  const int inner_block = LargestVector(inner_extent, lowering.vector_size()),
            outer_block = LargestVector(
                outer_extent, std::max(lowering.vector_size(),
                                       16 / source.value().type().bytes()));
  stored.compute_root();
  if (inner_block == 1 || outer_block == 1) return;
  const Var ii("ii"), oi("oi");
  // All of it, however little is read: a block shifted inwards of less would
  // start before the first.
  stored.bound(inner, 0, static_cast<int>(inner_extent))
      .bound(outer, 0, static_cast<int>(outer_extent))
      .split(inner, inner, ii, inner_block, Halide::TailStrategy::ShiftInwards)
      .split(outer, outer, oi, outer_block, Halide::TailStrategy::ShiftInwards);
  std::vector<Halide::VarOrRVar> order = {ii, oi, inner, outer};
  for (const Var& var : stored.args()) {
    if (!var.same_as(inner) && !var.same_as(outer)) order.push_back(var);
  }
  // One copy of the block, though the last is shifted.
  stored.reorder(order).vectorize(ii).unroll(oi).never_partition(
      {inner, outer});
  // Dense loads along `outer`, which are then shuffled in registers.
  Func rows = source.in(stored), block = rows.in(stored);
  rows.compute_at(stored, inner).vectorize(outer).unroll(inner);
  block.compute_at(stored, inner)
      .reorder_storage(inner, outer)
      .vectorize(outer)
      .unroll(inner);
}

void UnrollPeriods(const Lowering& lowering, Func func, const TensorType& type,
                   int period_x, int period_y) {
  const std::vector<Var> vars = func.args();
  if (type.shape.size() != 3) return;
  // A vector of columns has the period in its lanes.
  const bool has_column_lanes =
      IsOneSample(lowering) && !HasChannelLanes(lowering, type.shape);
  if (!has_column_lanes && period_x > 1 && type.shape[2] % period_x == 0)
    func.unroll(vars[1], period_x);
  if (period_y > 1 && type.shape[1] % period_y == 0)
    func.unroll(vars[2], period_y);
}

void StoreImageRows(const Lowering& lowering, Func func,
                    const TensorType& type) {
  BoundToShape(func, type.shape);
  func.compute_root();
  LoopOverRows(lowering, func, type.shape[2]);
}

void StoreRoot(const Lowering& lowering, Func func, const Shape& shape) {
  if (IsOneSample(lowering)) {
    BoundToShape(func, shape);
    return StoreSample(lowering, func, shape);
  }
  func.compute_root();
  if (lowering.fast()) StoreSamples(lowering, func);
}

}  // namespace kiln
