// The convolution's weight gradient: lane-wise partial sums of a kernel row
// times a few output channels in registers, over all samples and positions,
// added across the lanes once at the end.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "dsl/ops/conv2d.h"
#include "generators/one_sample.h"
#include "generators/ops/conv2d_winograd.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::Var;

namespace {

constexpr int kRowsOfAdjoint = 2;  // that stay in the first cache

// Of an adjoint that only its parameters' gradients read: how many rows of it
// are computed at a time, "2 rows", or that all of it is stored first.
// `space_of` is the tiles' for so many rows. A loop over the adjoint's rows
// does `period` of them in one step: fewer would be computed, and read what
// they are computed of, past the last. One that is accumulated, by a
// convolution, is stored first: two rows are too few for its own tiles.
std::vector<Family> AdjointFamilies(
    const std::function<TileSpace(int rows)>& space_of, int height, int period,
    bool is_accumulated) {
  std::vector<int> counts = {
      period *
      LargestDivisor(height / period, std::max(1, kRowsOfAdjoint / period))};
  for (const int rows : {1, 2, 4}) {
    if (rows != counts[0] && rows < height && height % rows == 0 &&
        rows % period == 0)
      counts.push_back(rows);
  }
  std::vector<Family> families;
  for (const int rows : counts) {
    families.push_back(
        {absl::StrCat(rows, rows == 1 ? " row" : " rows"), space_of(rows)});
  }
  families.push_back({"stored", space_of(height)});
  if (is_accumulated)
    std::rotate(families.begin(), families.end() - 1, families.end());
  return families;
}

// Rows of a pointwise adjoint that are unrolled together (UnrollPeriods).
int RowPeriod(const Lowering& lowering, NodeId adjoint) {
  int period = 1;
  for (const NodeId input : lowering.graph().node(adjoint).inputs) {
    const int of_input = lowering.lowered(input).period_y;
    if (lowering.type(adjoint).shape[1] % of_input == 0)
      period = std::lcm(period, of_input);
    period = std::lcm(period, lowering.lowered(input).rows_together);
  }
  return period;
}

}  // namespace

Lowered LowerConv2dWeightGrad(Lowering& lowering, const Node& node) {
  if (IsOneSample(lowering))
    return LowerConv2dWeightGradOfOneSample(lowering, node);
  const Conv2dGeometry& g =
      static_cast<const Conv2dWeightGradOp&>(*node.op).geometry();
  const Shape& output = lowering.type(node.inputs[1]).shape;
  const int width = static_cast<int>(output[2]),
            height = static_cast<int>(output[1]);
  const int sx = static_cast<int>(g.stride.width),
            sy = static_cast<int>(g.stride.height);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height);
  const Var lane("lane"), kx("kx"), ky("ky"), ci("ci"), co("co");

  // All columns of all samples in one row of `lanes` at a time: position l
  // holds sample l % block, column l / block.
  const int block = lowering.block(),
            lanes = RowLanes(block, width, sx, lowering.vector_size());
  const NodeId adjoint = node.inputs[1];
  // Registers: kernel rows of some input channels x output channels
  // accumulators, the rows' inputs and one adjoint.
  const auto space_of = [&](int rows) {
    const int64_t plane_bytes =
        int64_t{block} * width * rows * lowering.real().bytes();
    return TileSpace{
        .vectors = g.kernel.width * lowering.type(node.inputs[0]).shape[0],
        .channels = output[0],
        .exact_vectors = true,
        .exact_channels = true,
        .row = g.kernel.width,
        .streams = plane_bytes * std::min<int64_t>(output[0], 8) > kFirstCache};
  };
  std::vector<Family> families = {{"", space_of(height)}};
  if (lowering.fast() && lowering.OnlyFeedsGradients(adjoint)) {
    families = AdjointFamilies(
        space_of, height, RowPeriod(lowering, adjoint),
        lowering.PendingInput(lowering.graph().node(adjoint)) != nullptr);
  } else {
    OfferWinogradWeightGrad(lowering, g, lowering.type(node.inputs[0]).shape,
                            output, families);
  }
  const NodeSchedule schedule = lowering.ScheduleOf(node, families);
  if (IsWinograd(schedule))
    return LowerConv2dWeightGradByWinograd(lowering, node, schedule);
  Func input = PaddedInput(lowering, node, g.padding),
       d_output = lowering.input(node, 1);
  const int rows_at_a_time = std::atoi(schedule.family.c_str());
  const bool by_rows = rows_at_a_time > 0;
  const int chunk = by_rows ? rows_at_a_time : height;
  const RDom r(0, block * width / lanes, 0, chunk, "r"),
      chunks(0, height / chunk, "chunks");
  const Var q("q");
  const Expr l = lane + lanes * r.x, n = l % block, x = l / block,
             y = q * chunk + r.y;
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  // Of one chunk, and of all where there are several.
  Func of_rows(CName(node.name) + (by_rows ? "_rows" : "_lanes")),
      partial(CName(node.name) + "_lanes");
  of_rows(lane, kx, ky, ci, co, q) = zero;
  of_rows(lane, kx, ky, ci, co, q) +=
      input(n, x * sx + kx - px, y * sy + ky - py, ci) * d_output(n, x, y, co);
  partial(lane, kx, ky, ci, co) = zero;
  partial(lane, kx, ky, ci, co) += of_rows(lane, kx, ky, ci, co, chunks);

  const RDom across(0, lanes, "across");
  Func sum(CName(node.name));
  sum(kx, ky, ci, co) = zero;
  sum(kx, ky, ci, co) += by_rows ? partial(across, kx, ky, ci, co)
                                 : of_rows(across, kx, ky, ci, co, 0);

  of_rows.compute_root();
  const Tile& registers = schedule.tile;
  const int taps =
                std::min(registers.vectors, static_cast<int>(g.kernel.width)),
            inputs = registers.vectors / taps, rows = registers.channels;
  const Var coi("coi"), cii("cii"), kxi("kxi");
  const auto sum_rows = [=](const Halide::LoopLevel& tile) {
    Func rows_sum = of_rows;
    rows_sum.compute_at(tile)
        .store_in(Halide::MemoryType::Stack)
        .bound_extent(lane, lanes);
    rows_sum.vectorize(lane).unroll(kx).unroll(ci).unroll(co);
    rows_sum.update()
        .reorder(lane, kx, ci, co, r.x, r.y)
        .vectorize(lane)
        .unroll(kx)
        .unroll(ci)
        .unroll(co);
  };
  if (by_rows) {
    // The adjoint is computed a few rows at a time and read at once by all
    // tiles, whose sums rest in the first cache meanwhile.
    partial.compute_root().vectorize(lane);
    partial.update()
        .split(co, co, coi, rows)
        .split(ci, ci, cii, inputs)
        .split(kx, kx, kxi, taps)
        .reorder(lane, kxi, cii, coi, kx, ky, ci, co, chunks.x)
        .vectorize(lane)
        .unroll(kxi)
        .unroll(cii)
        .unroll(coi);
    sum_rows(Halide::LoopLevel(partial, kx));
    Func(d_output).compute_at(partial, chunks.x);
    lowering.SetRowLoop(adjoint, {partial, chunks.x, chunk});
  }
  const auto loops = [=](Func consumer, int stage) {
    StageOf(consumer, stage)
        .split(co, co, coi, rows)
        .split(ci, ci, cii, inputs)
        .split(kx, kx, kxi, taps)
        .reorder(kxi, cii, coi, kx, ky, ci, co);
    return kx;
  };
  return GradientTiles(sum, loops, [=](const Halide::LoopLevel& tile) mutable {
    // The sums across the lanes of all channels are one tree of shuffles.
    sum.compute_at(tile)
        .store_in(Halide::MemoryType::Stack)
        .reorder_storage(co, kx, ky, ci)
        .bound_extent(co, rows)
        .reorder(co, kx, ci)
        .vectorize(co)
        .unroll(kx)
        .unroll(ci);
    sum.update().reorder(across.x, co, kx, ci).unroll(kx).unroll(ci);
    if (lanes > 1) {
      sum.update().atomic().vectorize(across.x).vectorize(co);
    } else {
      sum.update().vectorize(co);
    }
    if (!by_rows) sum_rows(tile);
  });
}

}  // namespace kiln
