#include "dsl/ops/dense.h"

#include <algorithm>

#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Fewer samples than lanes: lanes over the input features of a transposed copy,
// a tile of all samples x a few outputs, and one tree of sums across the lanes
// of the whole tile.
Lowered OfFewSamples(Lowering& lowering, const Node& node, int outputs) {
  const Var n("n"), i("i"), lane("lane");
  const int features = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  const int vector = VectorDivisor(features, lowering.vector_size());
  Func input = lowering.Transposed(node.inputs[0]),
       weight = lowering.input(node, 1);
  const RDom r(0, features / vector, "r");
  Func partial(CName(node.name) + "_lanes");
  partial(lane, n, i) = BiasInFirstLane(lowering, node, lane, i);
  partial(lane, n, i) +=
      input(lane + vector * r, n) * weight(lane + vector * r, i);
  const RDom across(0, vector, "across");
  Func sum(CName(node.name));
  sum(n, i) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += partial(across, n, i);

  const int block = lowering.block();
  return {sum, [=, r = r, shape = node.type.shape](Func consumer, int) mutable {
            const Var ii("ii");
            BoundToShape(consumer, shape);
            consumer
                .split(i, i, ii, outputs, Halide::TailStrategy::ShiftInwards)
                .reorder(n, ii, i)
                .vectorize(n)
                .unroll(ii);
            sum.compute_at(consumer, i)
                .store_in(Halide::MemoryType::Stack)
                .bound_extent(n, block)
                .vectorize(n)
                .unroll(i);
            sum.update()
                .reorder(across.x, n, i)
                .unroll(i)
                .atomic()
                .vectorize(across.x)
                .vectorize(n);
            partial.compute_at(consumer, i)
                .store_in(Halide::MemoryType::Stack)
                .bound_extent(lane, vector);
            partial.vectorize(lane).unroll(n).unroll(i);
            partial.update()
                .reorder(lane, n, i, r.x)
                .vectorize(lane)
                .unroll(n)
                .unroll(i);
          }};
}

// The same for the input's gradient: lanes over the features of a stored row,
// each sample's adjoint a broadcast, and the tile transposed as it is stored.
Lowered InputGradOfFewSamples(Lowering& lowering, Func sum, const RDom& r,
                              int features, int vectors) {
  const int block = lowering.block(),
            vector = VectorDivisor(features, lowering.vector_size());
  return {
      sum, [=, r = r](Func consumer, int) mutable {
        const Var n("n"), i("i"), ii("ii");
        Func transposed = sum.in(consumer);
        BoundToShape(consumer, {features});
        consumer
            .split(i, i, ii, vector * vectors,
                   Halide::TailStrategy::ShiftInwards)
            .reorder(n, ii, i)
            .vectorize(n)
            .unroll(ii)
            .never_partition({i});  // the last tile runs through the same code
        transposed.compute_at(consumer, i)
            .store_in(Halide::MemoryType::Stack)
            .reorder_storage(n, i)
            .bound_extent(n, block)
            .vectorize(i, vector)
            .unroll(i)
            .unroll(n);
        sum.compute_at(consumer, i)
            .store_in(Halide::MemoryType::Stack)
            .reorder_storage(i, n)
            .reorder(i, n)
            .vectorize(i, vector)
            .unroll(i)
            .unroll(n);
        sum.update().reorder(i, n, r.x).vectorize(i, vector).unroll(i).unroll(
            n);
      }};
}

constexpr char kSamples[] = "samples", kFeatures[] = "features";

// Lanes over samples, in tiles of `outputs`, or, where the registers hold a
// vector for each sample, over `features`, in tiles of `rows`, a power of two,
// whose sums across the lanes are full trees: first what has the wider vectors.
std::vector<Family> DenseFamilies(const Lowering& lowering, int64_t features,
                                  int64_t outputs, int64_t rows) {
  std::vector<Family> families = {{kSamples, VectorSpace(lowering, outputs)}};
  const int block = lowering.block(),
            vector = VectorDivisor(features, lowering.vector_size()),
            most = (lowering.registers() - 2) / (block + 1);
  if (!lowering.fast() || block == 1 || vector < 4 || most == 0)
    return families;
  families.insert(vector > block ? families.begin() : families.end(),
                  {kFeatures,
                   {.vectors = rows, .channels = 1, .each = block},
                   Tile{LargestVector(rows, most), 1}});
  return families;
}

}  // namespace

Halide::Expr BiasInFirstLane(const Lowering& lowering, const Node& node,
                             const Var& lane, const Var& output) {
  const Halide::Expr zero = Halide::Internal::make_const(lowering.real(), 0);
  if (node.inputs.size() <= 2) return zero;
  return Halide::select(lane == 0, lowering.input(node, 2)(output), zero);
}

// Lanes over samples, a tile of outputs in registers, weights as broadcasts.
Lowered LowerDense(Lowering& lowering, const Node& node) {
  const int64_t features = lowering.type(node.inputs[0]).shape[0];
  if (HasFeatureLanes(lowering, features))
    return LowerDenseOfOneSample(lowering, node);
  const int64_t outputs = node.type.shape[0];
  const NodeSchedule schedule = lowering.ScheduleOf(
      node, DenseFamilies(lowering, features, outputs, outputs));
  if (schedule.family == kFeatures)
    return OfFewSamples(lowering, node, schedule.tile.vectors);

  const Var n("n"), i("i");
  Func input = lowering.input(node, 0), weight = lowering.input(node, 1);
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[0]).shape[0]),
               "r");
  Func sum(CName(node.name));
  sum(n, i) = node.inputs.size() > 2
                  ? lowering.input(node, 2)(i)
                  : Halide::Internal::make_const(lowering.real(), 0);
  sum(n, i) += input(n, r) * weight(r, i);

  return {sum, [=, &lowering](Func consumer, int) {
            TileVector(lowering, sum, consumer, r, outputs, schedule.tile);
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

  const int features = static_cast<int>(node.type.shape[0]);
  const NodeSchedule schedule = lowering.ScheduleOf(
      node, DenseFamilies(
                lowering, features, features,
                features / VectorDivisor(features, lowering.vector_size())));
  if (schedule.family == kFeatures)
    return InputGradOfFewSamples(lowering, sum, r, features,
                                 schedule.tile.vectors);
  return {sum, [=, &lowering](Func consumer, int) {
            TileVector(lowering, sum, consumer, r, features, schedule.tile);
          }};
}

// Lanes over input features of a transposed copy of the input, samples as the
// reduction: no horizontal sums.
Lowered LowerDenseWeightGrad(Lowering& lowering, const Node& node) {
  if (IsOneSample(lowering))
    return LowerDenseWeightGradOfOneSample(lowering, node);
  const int features = static_cast<int>(node.type.shape[1]),
            outputs = static_cast<int>(node.type.shape[0]);
  // Shifting the last tile inwards would update a velocity in place twice.
  const int vector = lowering.updates_in_place()
                         ? VectorDivisor(features, lowering.vector_size())
                         : LargestVector(features, lowering.vector_size());
  const TileSpace space = {.vectors = (features + vector - 1) / vector,
                           .channels = outputs,
                           .exact_vectors = lowering.updates_in_place(),
                           .exact_channels = true,
                           .max_vectors = features / vector};
  // The columns of a tile, of all samples, rest in the first cache while the
  // outputs pass, or the other way round.
  const NodeSchedule schedule =
      lowering.ScheduleOf(node, {{"o i", space}, {"i o", space}});
  const Tile tile = schedule.tile;
  const Var n("n"), i("i"), o("o");
  const Var inner = schedule.family == "o i" ? o : i,
            outer = schedule.family == "o i" ? i : o;

  // Each column is then read once: from the data set, into the first cache.
  Func columns = inner.same_as(o) && lowering.fast()
                     ? lowering.Features(node.inputs[0])
                     : Func();
  const bool by_columns = columns.defined();
  Func transposed(CName(node.name) + "_columns"),
      d_output = lowering.input(node, 1);
  if (by_columns) {
    transposed(i, n) = columns(i, n);
  } else {
    transposed = lowering.Transposed(node.inputs[0]);
  }
  const RDom r(0, lowering.block(), "r");
  Func sum(CName(node.name));
  sum(i, o) = Halide::Internal::make_const(lowering.real(), 0);
  sum(i, o) += transposed(i, r) * d_output(r, o);

  const auto loops = [=](Func consumer, int stage) {
    const Var ii("ii"), iv("iv"), oi("oi");
    // A gradient is added to, and a velocity updated, in place: what a shifted
    // tile computes again must not count again.
    StageOf(consumer, stage)
        .split(i, i, ii, vector * tile.vectors,
               Halide::TailStrategy::ShiftInwardsAndBlend)
        .split(ii, ii, iv, vector)
        .split(o, o, oi, tile.channels)
        .reorder(iv, ii, oi, inner, outer)
        .vectorize(iv)
        .unroll(ii)
        .unroll(oi);
    return inner;
  };
  Lowered lowered = GradientTiles(
      sum, loops, [=, r = r](const Halide::LoopLevel& level) mutable {
        sum.compute_at(level).store_in(Halide::MemoryType::Stack);
        sum.vectorize(i, vector).unroll(i).unroll(o);
        sum.update().reorder(i, o, r.x).vectorize(i, vector).unroll(i).unroll(
            o);
      });
  if (!by_columns) return lowered;
  lowered.tile = [=, tile = lowered.tile](Func consumer, int stage) mutable {
    tile(consumer, stage);
    transposed.compute_at(consumer, outer).vectorize(i, vector).unroll(i);
  };
  return lowered;
}

}  // namespace kiln
