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
// samples.
void StoreReduction(const Lowering& lowering, Func func) {
  StoreRoot(lowering, func);
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  if (lowering.fast() && vector > 1)
    func.update().vectorize(func.args()[0], vector);
}

struct Softmax {
  Func maximum;      // m(n) = max over k of z(n, k); NaN if any is
  Func exponential;  // e(n, k) = e^(z(n, k) - m(n)), at most 1
  Func total;        // sum over k of e(n, k), between 1 and K
};

Softmax DefineSoftmax(const Lowering& lowering, const Node& node) {
  const Var n("n"), i("i");
  Func logits = lowering.input(node, 0);
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[0]).shape[0]),
               "r");
  const std::string name = CName(node.name);
  Softmax s{Func(name + "_max"), Func(name + "_exp"), Func(name + "_total")};
  s.maximum(n) = logits(n, 0);
  const Expr z = logits(n, r);
  s.maximum(n) =
      SelectBits(IsNan(z) || IsGreater(z, s.maximum(n)), z, s.maximum(n));
  s.exponential(n, i) = EmitExp(StrictSub(logits(n, i), s.maximum(n)));
  s.total(n) = Halide::Internal::make_const(lowering.real(), 0);
  s.total(n) = StrictAdd(s.total(n), s.exponential(n, r));

  StoreReduction(lowering, s.maximum);
  StoreRoot(lowering, s.exponential, lowering.type(node.inputs[0]).shape);
  StoreReduction(lowering, s.total);
  return s;
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
  const Softmax s = DefineSoftmax(lowering, node);
  Func loss(CName(node.name));
  // Strictly in this order: log(total) + maximum would be rounded to the size
  // of the logits.
  const Expr label = logits(n, SafeLabel(lowering, node, n));
  loss(n) = KeepNan(s.maximum(n),
                    Strictly(EmitLog(s.total(n)) - (label - s.maximum(n))));

  loss.compute_root();
  return {loss};
}

Lowered LowerSoftmaxCrossEntropyGrad(Lowering& lowering, const Node& node) {
  const Var n("n"), i("i");
  Func d_loss = lowering.input(node, 2);
  const Softmax s = DefineSoftmax(lowering, node);
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
  // The first maximum: a later class wins only if it is larger. NaN logits are
  // never right.
  Expr best = logits(n, 0), place = 0;
  const RDom r(1, std::max(1, classes - 1), "r");
  Func winner(CName(node.name) + "_winner");
  winner(n) = Halide::Tuple(best, place);
  const Expr challenger = logits(n, Halide::min(r, classes - 1));
  const Expr wins = challenger > winner(n)[0];
  winner(n) = Halide::Tuple(Halide::select(wins, challenger, winner(n)[0]),
                            Halide::select(wins, r, winner(n)[1]));
  const Expr one = Halide::Internal::make_const(lowering.real(), 1),
             zero = one - one;
  Func right(CName(node.name));
  right(n) = Halide::select(
      winner(n)[1] == lowering.input(node, 1)(n) && !IsNan(winner(n)[0]), one,
      zero);

  winner.compute_root();
  right.compute_root();
  return {right};
}

}  // namespace kiln
