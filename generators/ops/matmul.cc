// Products of parameters, computed once before inference. Sums are made in
// double and rounded once: folding then adds half an ulp to a weight, and time
// does not matter here.
#include "dsl/ops/matmul.h"

#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

Expr Wide(const Expr& value) { return Halide::cast<double>(value); }

// The sums, rounded; lanes along the innermost dimension, and `reduction`
// outside of it so that rows are read as they are stored.
Lowered Rounded(Lowering& lowering, const Node& node, Func sum,
                const Halide::RVar& reduction) {
  const std::vector<Var> vars = ParameterVars(node.type);
  Func rounded(CName(node.name));
  rounded(vars) = Halide::cast(lowering.real(), sum(Exprs(vars)));

  rounded.compute_root();
  sum.compute_root();
  const bool is_matrix = vars.size() == 2;
  const int vector =
      VectorDivisor(node.type.shape.back(), lowering.vector_size());
  if (lowering.fast() && is_matrix && vector > 1) {
    rounded.vectorize(vars[0], vector);
    sum.vectorize(vars[0], vector);
    sum.update()
        .reorder(vars[0], reduction, vars[1])
        .vectorize(vars[0], vector);
  }
  return {rounded};
}

}  // namespace

Lowered LowerMatmul(Lowering& lowering, const Node& node) {
  const Var i("i"), o("o");
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[1]).shape[0]),
               "r");
  Func sum(CName(node.name) + "_sum");
  sum(i, o) = Halide::Internal::make_const(Halide::Float(64), 0);
  sum(i, o) +=
      Wide(lowering.input(node, 0)(r, o)) * Wide(lowering.input(node, 1)(i, r));
  return Rounded(lowering, node, sum, r.x);
}

Lowered LowerMatvec(Lowering& lowering, const Node& node) {
  const Var i("i");
  const RDom r(0, static_cast<int>(lowering.type(node.inputs[1]).shape[0]),
               "r");
  Func sum(CName(node.name) + "_sum");
  sum(i) = node.inputs.size() > 2
               ? Wide(lowering.input(node, 2)(i))
               : Halide::Internal::make_const(Halide::Float(64), 0);
  sum(i) +=
      Wide(lowering.input(node, 0)(r, i)) * Wide(lowering.input(node, 1)(r));
  return Rounded(lowering, node, sum, r.x);
}

Lowered LowerScaleRows(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = ParameterVars(node.type);
  Func scaled(CName(node.name));
  scaled(vars) = lowering.input(node, 0)(Exprs(vars)) *
                 lowering.input(node, 1)(vars.back());

  scaled.compute_root();
  return {scaled};
}

}  // namespace kiln
