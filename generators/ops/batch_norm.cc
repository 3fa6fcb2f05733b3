// Statistics over the lanes that carry weight. Lanes past the end of a short
// batch are left out by selects, whatever they hold.
#include "dsl/ops/batch_norm.h"

#include "generators/math.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Expr Constant(const Lowering& lowering, double value) {
  return Halide::Internal::make_const(lowering.real(), value);
}

Expr IsLive(const Lowering& lowering, const Expr& n) {
  return lowering.SampleWeight(n) != Constant(lowering, 0);
}

int64_t AreaOf(const TensorType& channels) {
  return ElementCount(channels.shape) / channels.shape[0];
}

// The values that a channel of `area` has in the batch; a batch without
// samples counts as one, so that nothing is divided by zero.
Func Count(const Lowering& lowering, const Node& node, int64_t area) {
  const RDom lane(0, lowering.block(), "lane");
  Func lanes(CName(node.name) + "_lanes"), count(CName(node.name) + "_count");
  lanes() = Constant(lowering, 0);
  lanes() += Halide::select(IsLive(lowering, lane), Constant(lowering, 1),
                            Constant(lowering, 0));
  count() = Halide::max(lanes(), Constant(lowering, 1)) *
            Constant(lowering, static_cast<double>(area));

  lanes.compute_root();
  count.compute_root();
  return count;
}

// The sum over the batch of `term`, a function of an element's value and its
// channel, / N: first within each lane, then across those that carry weight.
template <typename Term>
Lowered BatchAverage(Lowering& lowering, const Node& node, const Term& term) {
  const TensorType& type = lowering.type(node.inputs[0]);
  const bool is_image = type.shape.size() == 3;
  const Var n("n"), i("i");
  const RDom r(0, is_image ? static_cast<int>(type.shape[2]) : 1, 0,
               is_image ? static_cast<int>(type.shape[1]) : 1, "r");
  const RDom lane(0, lowering.block(), "across");
  Func input = lowering.input(node, 0);
  const std::string name = CName(node.name);
  Func partial(name + "_partial"), total(name + "_total"), average(name);
  if (is_image) {
    partial(n, i) = Constant(lowering, 0);
    partial(n, i) = StrictAdd(partial(n, i), term(input(n, r.x, r.y, i), i));
  } else {
    partial(n, i) = term(input(n, i), i);
  }
  total(i) = Constant(lowering, 0);
  total(i) = StrictAdd(total(i),
                       Halide::select(IsLive(lowering, lane), partial(lane, i),
                                      Constant(lowering, 0)));
  Func count = Count(lowering, node, AreaOf(type));
  average(i) = StrictDiv(total(i), count());

  StoreRoot(lowering, partial);
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  if (is_image && lowering.fast() && vector > 1)
    partial.update().reorder(n, r.x, r.y, i).vectorize(n, vector);
  total.compute_root();
  average.compute_root();
  return {average};
}

}  // namespace

Lowered LowerBatchMean(Lowering& lowering, const Node& node) {
  return BatchAverage(lowering, node,
                      [](const Expr& x, const Var&) { return x; });
}

Lowered LowerBatchVariance(Lowering& lowering, const Node& node) {
  Func mean = lowering.input(node, 1);
  return BatchAverage(lowering, node, [&](const Expr& x, const Var& i) {
    const Expr deviation = StrictSub(x, mean(i));
    return StrictMul(deviation, deviation);
  });
}

Lowered LowerBatchMeanGrad(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  Func count = Count(lowering, node, AreaOf(node.type));
  Func d_input(CName(node.name));
  d_input(vars) =
      Halide::select(IsLive(lowering, vars[0]),
                     StrictDiv(lowering.input(node, 0)(vars.back()), count()),
                     Constant(lowering, 0));

  StoreRoot(lowering, d_input, node.type.shape);
  return {d_input};
}

Lowered LowerBatchVarianceGrad(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  const Var c = vars.back();
  Func count = Count(lowering, node, AreaOf(node.type));
  const Expr factor = StrictDiv(
      StrictMul(lowering.input(node, 0)(c), Constant(lowering, 2)), count());
  Func d_input(CName(node.name));
  d_input(vars) = Halide::select(
      IsLive(lowering, vars[0]),
      StrictMul(factor, StrictSub(lowering.input(node, 1)(Exprs(vars)),
                                  lowering.input(node, 2)(c))),
      Constant(lowering, 0));

  StoreRoot(lowering, d_input, node.type.shape);
  return {d_input};
}

Lowered LowerUnbiasedVariance(Lowering& lowering, const Node& node) {
  const Var i("i");
  Func count = Count(lowering, node,
                     static_cast<const UnbiasedVarianceOp&>(*node.op).area());
  const Expr one = Constant(lowering, 1);
  Func unbiased(CName(node.name));
  unbiased(i) = lowering.input(node, 0)(i) *
                Halide::select(count() > one,
                               count() / Halide::max(count() - one, one), one);

  unbiased.compute_root();
  return {unbiased};
}

Lowered LowerBatchNorm(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  const Var i("i"), c = vars.back();
  const double eps = static_cast<const BatchNormOp&>(*node.op).eps();
  const bool affine = node.inputs.size() > 3;
  Func scale(CName(node.name) + "_scale"), normalized(CName(node.name));
  const Expr std =
      EmitSqrt(lowering.input(node, 2)(i) + Constant(lowering, eps));
  scale(i) = StrictDiv(
      affine ? lowering.input(node, 3)(i) : Constant(lowering, 1), std);
  Expr value = StrictMul(StrictSub(lowering.input(node, 0)(Exprs(vars)),
                                   lowering.input(node, 1)(c)),
                         scale(c));
  if (affine) value = StrictAdd(value, lowering.input(node, 4)(c));
  normalized(vars) = value;

  scale.compute_root();
  StoreRoot(lowering, normalized, node.type.shape);
  return {normalized};
}

}  // namespace kiln
