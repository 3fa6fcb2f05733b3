// Dense layers of one sample: memory is the limit, so every pass goes along the
// stored rows of the weight.
#include <algorithm>

#include "dsl/ops/dense.h"
#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Func;
using Halide::MemoryType;
using Halide::RDom;
using Halide::Var;

// Each output is a dot product along the stored row of the weight, lanes over
// the input features, several outputs at a time: a load of the input serves
// them all, and their lanes are added together, as a tree.
Lowered LowerDenseOfOneSample(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i"), lane("lane");
  const int features = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  const int vector = VectorDivisor(features, lowering.vector_size());
  Func input = lowering.input(node, 0), weight = lowering.input(node, 1);
  const RDom r(0, features / vector, "r");
  Func partial(CName(node.name) + "_lanes");
  partial(lane, n, i) = BiasInFirstLane(lowering, node, lane, i);
  partial(lane, n, i) +=
      input(n, lane + vector * r) * weight(lane + vector * r, i);
  const RDom across(0, vector, "across");
  Func sum(CName(node.name));
  sum(n, i) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += partial(across, n, i);

  partial.compute_root();
  const int outputs =
      lowering
          .TileOf(node, {.vectors = node.type.shape[0], .exact_vectors = true},
                  Tile{LargestDivisor(node.type.shape[0], 8), 1})
          .vectors;
  return {
      sum, [=, r = r](Func consumer, int) mutable {
        const Var ii("ii");
        consumer.split(i, i, ii, outputs).reorder(ii, i, n).vectorize(ii);
        sum.compute_at(consumer, i).store_in(MemoryType::Stack).vectorize(i);
        sum.update()
            .reorder(across.x, i)
            .atomic()
            .vectorize(across.x)
            .vectorize(i);
        partial.compute_at(consumer, i)
            .store_in(MemoryType::Stack)
            .bound_extent(lane, vector);
        partial.vectorize(lane).unroll(i);
        partial.update().reorder(lane, i, r.x).vectorize(lane).unroll(i);
      }};
}

namespace {

// Rows of a weight that its update and the input's gradient share: the first
// cache holds them beside the new values and the velocities, and more would
// leave it again. A single one gains nothing, nor do sums that fill the second.
constexpr int kMostSharedRows = 8;
constexpr int64_t kMostRowSums = 64 << 10;  // bytes

int SharedRows(const Lowering& lowering, const Node& node) {
  if (!lowering.UpdatesBy(node.inputs[1], node.inputs[0])) return 1;
  const int64_t features = node.type.shape[0],
                outputs = lowering.type(node.inputs[0]).shape[0];
  const int rows = LargestDivisor(outputs, kMostSharedRows);
  const int64_t bytes = outputs / rows * features * lowering.real().bytes();
  return bytes <= kMostRowSums ? rows : 1;
}

// The terms of an input's gradient(i) of as many rows together, computed where
// the pipeline updates the weight.
Func SumsOfRows(Lowering& lowering, const Node& node, int rows, int vector) {
  constexpr int kVectors = 5;  // a step of the loop
  const Var i("i"), o("o");
  const int features = static_cast<int>(node.type.shape[0]),
            outputs = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  Func d_output = lowering.input(node, 0), weight = lowering.input(node, 1);
  Halide::Expr sum = d_output(0, rows * o) * weight(i, rows * o);
  for (int row = 1; row < rows; ++row)
    sum += d_output(0, rows * o + row) * weight(i, rows * o + row);
  Func sums(CName(node.name) + "_partial");
  sums(i, o) = sum;

  sums.compute_root()
      .bound(i, 0, features)
      .bound(o, 0, outputs / rows)
      .vectorize(i, vector)
      .unroll(i, LargestDivisor(features / vector, kVectors));
  lowering.SetRowSums(node.inputs[1], {sums, rows});
  return sums;
}

}  // namespace

// Each output adds a multiple of its stored row to the features, as many of
// them in registers as there are: a pass over the weights for each such tile,
// or, where the pipeline updates the weight, the pass that does so.
Lowered LowerDenseInputGradOfOneSample(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i");
  const int features = static_cast<int>(node.type.shape[0]),
            outputs = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  const int vector = VectorDivisor(features, lowering.vector_size());
  const int rows = SharedRows(lowering, node);
  const RDom r(0, outputs / rows, "r");
  Func sum(CName(node.name));
  sum(n, i) = Halide::Internal::make_const(lowering.real(), 0);
  if (rows > 1) {
    sum(n, i) += SumsOfRows(lowering, node, rows, vector)(i, r);
  } else {
    sum(n, i) += lowering.input(node, 0)(n, r) * lowering.input(node, 1)(i, r);
  }

  const int vectors =
      lowering
          .TileOf(node, {.channels = features / vector, .exact_channels = true},
                  Tile{1, LargestDivisor(features / vector,
                                         lowering.registers() - 4)})
          .channels;
  return {
      sum, [=](Func consumer, int) mutable {
        const Var ii("ii"), iv("iv");
        consumer.split(i, i, ii, vector * vectors).split(ii, ii, iv, vector);
        consumer.reorder(iv, ii, i, n).vectorize(iv).unroll(ii);
        sum.compute_at(consumer, i)
            .store_in(MemoryType::Stack)
            .vectorize(i, vector)
            .unroll(i);
        sum.update().reorder(i, n, r.x).vectorize(i, vector).unroll(i);
      }};
}

// An outer product, computed where it is used.
Lowered LowerDenseWeightGradOfOneSample(Lowering& lowering, const Node& node) {
  const Var i("i"), o("o");
  Func product(CName(node.name));
  product(i, o) = lowering.input(node, 0)(0, i) * lowering.input(node, 1)(0, o);
  return {product};
}

}  // namespace kiln
