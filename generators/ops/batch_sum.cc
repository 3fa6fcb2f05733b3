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
  const Lowering::RowLoop* row_loop = lowering.RowLoopOf(node.inputs[0]);
  const bool by_rows = row_loop != nullptr;
  const int chunk = by_rows ? row_loop->rows : height;
  const RDom r(0, block * width / lanes, 0, chunk, "r"),
      chunks(0, height / chunk, "chunks");
  const Var q("q");
  const Expr l = lane + lanes * r.x;
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  // Of one chunk, and of all where there are several.
  Func of_rows(CName(node.name) + (by_rows ? "_rows" : "_lanes")),
      partial(CName(node.name) + "_lanes");
  of_rows(lane, i, q) = zero;
  of_rows(lane, i, q) +=
      is_image ? input(l % block, l / block, q * chunk + r.y, i) : input(l, i);
  partial(lane, i) = zero;
  partial(lane, i) += of_rows(lane, i, chunks);

  const RDom across(0, lanes, "across");
  Func sum(CName(node.name));
  sum(i) = zero;
  sum(i) += by_rows ? partial(across, i) : of_rows(across, i, 0);

  of_rows.compute_root();
  // Of a vector's features, whose rows are short, as many as fill a vector.
  const int wide = VectorDivisor(shape[0], lowering.vector_size());
  const bool is_wide = !is_image && wide >= 8;
  const int channels = is_wide ? wide : LargestDivisor(shape[0], 4);
  const auto sum_rows = [=](const Halide::LoopLevel& tile) {
    Func rows_sum = of_rows;
    rows_sum.compute_at(tile)
        .store_in(Halide::MemoryType::Stack)
        .bound_extent(lane, lanes);
    rows_sum.vectorize(lane).unroll(i);
    rows_sum.update().reorder(lane, i, r.x, r.y).vectorize(lane).unroll(i);
  };
  if (by_rows) {
    const Var ii("ii");
    partial.compute_root().vectorize(lane);
    partial.update()
        .split(i, i, ii, channels)
        .reorder(lane, ii, i, chunks.x)
        .vectorize(lane)
        .unroll(ii);
    sum_rows(Halide::LoopLevel(partial, i));
    partial.update().compute_with(Func(row_loop->partial).update(),
                                  row_loop->chunks);
  }
  const auto loops = [=](Func consumer, int stage) {
    const Var ii("ii");
    Halide::Stage updated = StageOf(consumer, stage).split(i, i, ii, channels);
    if (is_wide) updated.vectorize(ii);
    return i;
  };
  return GradientTiles(sum, loops, [=](const Halide::LoopLevel& tile) mutable {
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
    if (!by_rows) sum_rows(tile);
  });
}

}  // namespace kiln
