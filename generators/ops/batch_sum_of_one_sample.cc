#include "dsl/ops/batch_sum.h"
#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::MemoryType;
using Halide::RDom;
using Halide::Var;

namespace {

constexpr int kChains = 6;  // independent sums, to hide an addition's latency

// Every so many columns in a sum of their own.
Lowered OverChannels(const Node& node, Func input, const Shape& image,
                     int vector, const Expr& zero) {
  const Var i("i"), phase("phase"), lane("lane");
  const int phases = LargestDivisor(image[2], kChains);
  const RDom r(0, static_cast<int>(image[2]) / phases, 0,
               static_cast<int>(image[1]), "r"),
      all(0, phases, "all");
  Func partial(CName(node.name) + "_partial"), sum(CName(node.name) + "_sum"),
      stored(CName(node.name));
  partial(i, phase) = zero;
  partial(i, phase) += input(0, phase + phases * r.x, r.y, i);
  sum(i) = zero;
  sum(i) += partial(i, all);
  stored(i) = sum(i);

  stored.compute_root().split(i, i, lane, vector).vectorize(lane);
  sum.compute_at(stored, i).store_in(MemoryType::Stack).vectorize(i);
  sum.update().vectorize(i).unroll(all.x);
  partial.compute_at(stored, i)
      .store_in(MemoryType::Stack)
      .vectorize(i)
      .unroll(phase);
  partial.update().reorder(i, phase, r.x, r.y).vectorize(i).unroll(phase);
  return {stored};
}

Lowered OverColumns(const Node& node, Func input, const Shape& image,
                    int vector, const Expr& zero) {
  const Var i("i"), lane("lane"), ii("ii");
  const int width = static_cast<int>(image[2]);
  const RDom r(0, (width + vector - 1) / vector, 0, static_cast<int>(image[1]),
               "r"),
      across(0, vector, "across");
  // The last vector of a row ends with it; lanes that overlap count once.
  const Expr first = r.x * vector,
             x = Halide::min(first, width - vector) + lane;
  Func partial(CName(node.name) + "_lanes"), sum(CName(node.name) + "_sum"),
      stored(CName(node.name));
  partial(lane, i) = zero;
  partial(lane, i) += Halide::select(x >= first, input(0, x, r.y, i), zero);
  sum(i) = zero;
  sum(i) += partial(across, i);
  stored(i) = sum(i);

  const int channels = LargestDivisor(image[0], kChains);
  stored.compute_root().split(i, i, ii, channels).vectorize(ii);
  sum.compute_at(stored, i).store_in(MemoryType::Stack).vectorize(i);
  sum.update().reorder(across.x, i).atomic().vectorize(across.x).vectorize(i);
  partial.compute_at(stored, i)
      .store_in(MemoryType::Stack)
      .bound_extent(lane, vector)
      .vectorize(lane)
      .unroll(i);
  partial.update()
      .reorder(lane, i, r.x, r.y)
      .vectorize(lane)
      .unroll(i)
      .unroll(r.x);
  return {stored};
}

}  // namespace

// Of a vector it is the adjoint itself.
Lowered LowerBatchSumOfOneSample(Lowering& lowering, const Node& node) {
  const Shape& shape = lowering.type(node.inputs[0]).shape;
  const Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  Func input = lowering.input(node, 0);
  if (shape.size() == 3) {
    const PixelLanes lanes = PixelLanesOf(lowering, shape);
    return lanes.channels ? OverChannels(node, input, shape, lanes.vector, zero)
                          : OverColumns(node, input, shape, lanes.vector, zero);
  }
  const Var i("i");
  Func sum(CName(node.name));
  sum(i) = input(0, i);
  return {sum};
}

}  // namespace kiln
