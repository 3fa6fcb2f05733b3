#include "dsl/ops/softmax_cross_entropy.h"

#include <algorithm>

#include "generators/math.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// A reduction over the classes, per sample: stored, vectorised over the
// samples, several vectors in a step.
void StoreReduction(const Lowering& lowering, Func func) {
  StoreRoot(lowering, func);
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  if (!lowering.fast() || vector == 1) return;
  constexpr int kVectors = 4;
  const Var n = func.args()[0], ni("ni"), nv("nv");
  func.update()
      .split(n, n, ni,
             vector * LargestDivisor(lowering.block() / vector, kVectors))
      .split(ni, ni, nv, vector)
      .reorder(nv, ni, func.rvars()[0], n)
      .vectorize(nv)
      .unroll(ni);
}

struct Softmax {
  Func maximum;      // m(n) = max over k of z(n, k); NaN if any is
  Func exponential;  // e(n, k) = e^(z(n, k) - m(n)), at most 1
  Func total;        // sum over k of e(n, k), between 1 and K
};

// One for all losses of the same logits and their gradients.
Softmax SoftmaxOf(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i");
  Func logits = lowering.input(node, 0);
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[0]).shape[0]),
               "r");
  const std::string of =
      CName(lowering.graph().node(node.inputs[0]).name) + "_softmax_";
  Func &maximum = lowering.shared(of + "max"),
       &exponential = lowering.shared(of + "exp"),
       &total = lowering.shared(of + "total");
  if (total.defined()) return {maximum, exponential, total};
  const std::string name = CName(node.name);
  maximum = Func(name + "_max");
  exponential = Func(name + "_exp");
  total = Func(name + "_total");
  maximum(n) = logits(n, 0);
  const Expr z = logits(n, r);
  maximum(n) = SelectBits(IsNan(z) || IsGreater(z, maximum(n)), z, maximum(n));
  exponential(n, i) = EmitExp(StrictSub(logits(n, i), maximum(n)));
  total(n) = Halide::Internal::make_const(lowering.real(), 0);
  total(n) = StrictAdd(total(n), exponential(n, r));

  StoreReduction(lowering, maximum);
  StoreRoot(lowering, exponential, lowering.type(node.inputs[0]).shape);
  StoreReduction(lowering, total);
  return {maximum, exponential, total};
}

// The label as an index that is always inside, whatever the data.
Expr SafeLabel(const Lowering& lowering, const Node& node, const Expr& n) {
  const int classes = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  return Halide::clamp(lowering.input(node, 1)(n), 0, classes - 1);
}

}  // namespace

Lowered LowerSoftmaxCrossEntropy(Lowering& lowering, const Node& node) {
  const Var n("n");
  Func logits = lowering.input(node, 0);
  const Softmax s = SoftmaxOf(lowering, node);
  Func loss(CName(node.name));
  // Strictly in this order: log(total) + maximum would be rounded to the size
  // of the logits.
  const Expr label = logits(n, SafeLabel(lowering, node, n));
  loss(n) = KeepNan(s.maximum(n),
                    Strictly(EmitLog(s.total(n)) - (label - s.maximum(n))));

  StoreRoot(lowering, loss);
  return {loss};
}

Lowered LowerSoftmaxCrossEntropyGrad(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i");
  Func d_loss = lowering.input(node, 2);
  const Softmax s = SoftmaxOf(lowering, node);
  const Expr one = Halide::Internal::make_const(lowering.real(), 1),
             zero = one - one;
  Func d_logits(CName(node.name));
  const Expr difference =
      StrictSub(StrictDiv(s.exponential(n, i), s.total(n)),
                Halide::select(i == SafeLabel(lowering, node, n), one, zero));
  d_logits(n, i) = KeepNan(
      s.maximum(n), KeepNan(d_loss(n), StrictMul(difference, d_loss(n))));

  StoreRoot(lowering, d_logits, node.type.shape);
  return {d_logits};
}

Lowered LowerAccuracy(Lowering& lowering, const Node& node) {
  const Var n("n");
  Func logits = lowering.input(node, 0);
  const int classes = static_cast<int>(lowering.type(node.inputs[0]).shape[0]);
  // The first maximum; NaN logits are never right. Not a tuple: Halide does not
  // see that a strict comparison reads what the tuple is about to write.
  const RDom r(0, classes, "r");
  Func best(CName(node.name) + "_max"), winner(CName(node.name) + "_winner");
  best(n) = logits(n, 0);
  const Expr z = logits(n, r);
  best(n) = SelectBits(IsGreater(z, best(n)), z, best(n));
  winner(n) = 0;
  const Expr k = classes - 1 - r;  // the first wins over those after it
  winner(n) = Halide::select(Halide::strict_float(logits(n, k) == best(n)), k,
                             winner(n));
  const Expr one = Halide::Internal::make_const(lowering.real(), 1),
             zero = one - one;
  Func right(CName(node.name));
  right(n) = Halide::select(
      winner(n) == lowering.input(node, 1)(n) && !IsNan(best(n)), one, zero);

  StoreReduction(lowering, best);
  StoreReduction(lowering, winner);
  StoreRoot(lowering, right);
  return {right};
}

}  // namespace kiln
