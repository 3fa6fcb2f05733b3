#include "dsl/ops/dense.h"

#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Func;
using Halide::RDom;
using Halide::Var;

// Lanes over samples, a tile of outputs in registers, weights as broadcasts.
Lowered LowerDense(Lowering& lowering, const Node& node) {
  if (HasFeatureLanes(lowering, lowering.type(node.inputs[0]).shape[0]))
    return LowerDenseOfOneSample(lowering, node);
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
  if (HasFeatureLanes(lowering, node.type.shape[0]))
    return LowerDenseInputGradOfOneSample(lowering, node);
  const Var n("n"), i("i");
  Func d_output = lowering.input(node, 0), weight = lowering.input(node, 1);
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[0]).shape[0]),
               "r");
  Func sum(CName(node.name));
  sum(n, i) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += d_output(n, r) * weight(i, r);

  return {sum, [&lowering, sum, r, features = node.type.shape[0]](Func consumer,
                                                                  int) {
            TileVector(lowering, sum, consumer, r, features);
          }};
}

// Lanes over input features of a transposed copy of the input, samples as the
// reduction: no horizontal sums.
Lowered LowerDenseWeightGrad(Lowering& lowering, const Node& node) {
  if (IsOneSample(lowering))
    return LowerDenseWeightGradOfOneSample(lowering, node);
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
