#include "dsl/ops/dense.h"

#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// One sample has no lanes of its own: each output is a dot product along the
// stored row of the weight, lanes over the input features, a few outputs at a
// time so that a load of the input serves them all.
Lowered DotProducts(Lowering& lowering, const Node& node, int vector) {
  const Var n("n"), i("i"), lane("lane");
  const int features = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  Func input = lowering.input(node, 0), weight = lowering.input(node, 1);
  const RDom r(0, features / vector, "r");
  Func partial(CName(node.name) + "_lanes");
  partial(lane, n, i) = Halide::Internal::make_const(lowering.real(), 0);
  partial(lane, n, i) +=
      input(n, lane + vector * r) * weight(lane + vector * r, i);
  const RDom across(0, vector, "across");
  Func sum(CName(node.name));
  sum(n, i) = node.inputs.size() > 2
                  ? lowering.input(node, 2)(i)
                  : Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += partial(across, n, i);

  const int outputs = LargestDivisor(node.type.shape[0], 8);
  return {sum, [=, r = r](Func consumer, int) mutable {
            const Var ii("ii");
            consumer.split(i, i, ii, outputs).reorder(ii, i, n).unroll(ii);
            sum.compute_at(consumer, i)
                .store_in(Halide::MemoryType::Stack)
                .unroll(i);
            sum.update()
                .reorder(across.x, i)
                .unroll(i)
                .atomic()
                .vectorize(across.x);
            partial.compute_at(consumer, i)
                .store_in(Halide::MemoryType::Stack)
                .bound_extent(lane, vector);
            partial.vectorize(lane).unroll(i);
            partial.update().reorder(lane, i, r.x).vectorize(lane).unroll(i);
          }};
}

}  // namespace

// Lanes over samples, a tile of outputs in registers, weights as broadcasts.
Lowered LowerDense(Lowering& lowering, const Node& node) {
  const int row_vector = VectorDivisor(lowering.type(node.inputs[0]).shape[0],
                                       lowering.vector_size());
  if (lowering.fast() && lowering.block() == 1 && row_vector >= 4)
    return DotProducts(lowering, node, row_vector);

  const Var n("n"), i("i");
  Func input = lowering.input(node, 0), weight = lowering.input(node, 1);
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[0]).shape[0]),
               "r");
  Func sum(CName(node.name));
  sum(n, i) = node.inputs.size() > 2
                  ? lowering.input(node, 2)(i)
                  : Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += input(n, r) * weight(r, i);

  return {sum, [&lowering, sum, r, features = node.type.shape[0]](Func consumer,
                                                                  int) {
            TileVector(lowering, sum, consumer, r, features);
          }};
}

Lowered LowerDenseInputGrad(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i");
  Func d_output = lowering.input(node, 0), weight = lowering.input(node, 1);
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[0]).shape[0]),
               "r");
  Func sum(CName(node.name));
  sum(n, i) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += d_output(n, r) * weight(i, r);

  // For one sample, lanes over the features: each output adds a multiple of its
  // stored row.
  const int features = static_cast<int>(node.type.shape[0]);
  const int row_vector = VectorDivisor(features, lowering.vector_size());
  if (lowering.block() > 1 || row_vector < 4) {
    return {sum, [&lowering, sum, r, features](Func consumer, int) {
              TileVector(lowering, sum, consumer, r, features);
            }};
  }
  const int vectors = LargestDivisor(features / row_vector, 12);
  return {sum, [=](Func consumer, int) mutable {
            const Var ii("ii"), iv("iv");
            consumer.split(i, i, ii, row_vector * vectors)
                .split(ii, ii, iv, row_vector);
            consumer.reorder(iv, ii, i, n).vectorize(iv).unroll(ii);
            sum.compute_at(consumer, i)
                .store_in(Halide::MemoryType::Stack)
                .vectorize(i, row_vector)
                .unroll(i);
            sum.update().reorder(i, n, r.x).vectorize(i, row_vector).unroll(i);
          }};
}

// Lanes over input features of a transposed copy of the input, samples as the
// reduction: no horizontal sums.
Lowered LowerDenseWeightGrad(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i"), o("o");
  Func input = lowering.input(node, 0), d_output = lowering.input(node, 1);
  const int features = static_cast<int>(node.type.shape[1]),
            outputs = static_cast<int>(node.type.shape[0]);
  Func transposed(CName(node.name) + "_transposed");
  transposed(i, n) = input(n, i);
  const RDom r(0, lowering.block(), "r");
  Func sum(CName(node.name));
  sum(i, o) = Halide::Internal::make_const(lowering.real(), 0);
  sum(i, o) += transposed(i, r) * d_output(r, o);

  transposed.compute_root();
  const int vector = VectorDivisor(features, lowering.vector_size());
  const Tile tile = ChooseTile(features / vector, outputs, lowering.registers(),
                               /*exact=*/true);
  return {
      sum, [=, r = r](Func consumer, int stage) mutable {
        const Var ii("ii"), iv("iv"), oi("oi");
        StageOf(consumer, stage)
            .split(i, i, ii, vector * tile.vectors)
            .split(ii, ii, iv, vector)
            .split(o, o, oi, tile.channels)
            .reorder(iv, ii, oi, i, o)
            .vectorize(iv)
            .unroll(ii)
            .unroll(oi);
        sum.compute_at(Halide::LoopLevel(consumer, i))
            .store_in(Halide::MemoryType::Stack);
        sum.vectorize(i, vector).unroll(i).unroll(o);
        sum.update().reorder(i, o, r.x).vectorize(i, vector).unroll(i).unroll(
            o);
      }};
}

}  // namespace kiln
