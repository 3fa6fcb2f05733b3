#include "dsl/ops/batch_sum.h"

#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

// Lane-wise partial sums over whole rows, added across the lanes at the end,
// like the weight gradient.
Lowered LowerBatchSum(Lowering& lowering, const Node& node) {
  if (IsOneSample(lowering)) return LowerBatchSumOfOneSample(lowering, node);
  const Shape& shape = lowering.type(node.inputs[0]).shape;
  const bool is_image = shape.size() == 3;
  const int width = is_image ? static_cast<int>(shape[2]) : 1,
            height = is_image ? static_cast<int>(shape[1]) : 1;
  const Var lane("lane"), i("i");
  Func input = lowering.input(node, 0);

  const int block = lowering.block(),
            lanes = RowLanes(block, width, 1, lowering.vector_size());
  const Lowering::RowLoop* by_rows = lowering.RowLoopOf(node.inputs[0]);
  const int chunk = by_rows != nullptr ? by_rows->rows : height;
  const RDom r(0, block * width / lanes, 0, chunk, "r"),
      chunks(0, height / chunk, "chunks");
  const Var q("q");
  const Expr l = lane + lanes * r.x;
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  Func of_rows(CName(node.name) + "_rows"),
      partial(CName(node.name) + "_lanes");
  of_rows(lane, i, q) = zero;
  of_rows(lane, i, q) +=
      is_image ? input(l % block, l / block, q * chunk + r.y, i) : input(l, i);
  partial(lane, i) = zero;
  if (by_rows != nullptr) {
    partial(lane, i) += of_rows(lane, i, chunks);
  } else {
    partial(lane, i) +=
        is_image ? input(l % block, l / block, r.y, i) : input(l, i);
  }

  const RDom across(0, lanes, "across");
  Func sum(CName(node.name));
  sum(i) = Halide::Internal::make_const(lowering.real(), 0);
  sum(i) += partial(across, i);

  partial.compute_root();
  const int channels = LargestDivisor(shape[0], 4);
  if (by_rows != nullptr) {
    const Var ii("ii");
    partial.vectorize(lane);
    partial.update()
        .split(i, i, ii, channels)
        .reorder(lane, ii, i, chunks.x)
        .vectorize(lane)
        .unroll(ii);
    of_rows.compute_at(partial, i)
        .store_in(Halide::MemoryType::Stack)
        .bound_extent(lane, lanes);
    of_rows.vectorize(lane).unroll(i);
    of_rows.update().reorder(lane, i, r.x, r.y).vectorize(lane).unroll(i);
    partial.update().compute_with(Func(by_rows->partial).update(),
                                  by_rows->chunks);
  }
  const bool at_root = by_rows != nullptr;
  const auto loops = [=](Func consumer, int stage) {
    StageOf(consumer, stage).split(i, i, Var("ii"), channels);
    return i;
  };
  return GradientTiles(
      sum, loops, [=, r = r](const Halide::LoopLevel& tile) mutable {
        sum.compute_at(tile)
            .store_in(Halide::MemoryType::Stack)
            .bound_extent(i, channels)
            .vectorize(i);
        if (lanes > 1) {
          sum.update()
              .reorder(across.x, i)
              .atomic()
              .vectorize(across.x)
              .vectorize(i);
        } else {
          sum.update().vectorize(i);
        }
        if (at_root) return;
        partial.compute_at(tile)
            .store_in(Halide::MemoryType::Stack)
            .bound_extent(lane, lanes);
        partial.vectorize(lane).unroll(i);
        partial.update().reorder(lane, i, r.x, r.y).vectorize(lane).unroll(i);
      });
}

}  // namespace kiln
