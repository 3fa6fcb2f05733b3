#include "dsl/ops/pointwise.h"

#include <algorithm>

#include "dsl/ops/max_pool.h"
#include "dsl/pooled_mask.h"
#include "generators/math.h"
#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// Whether a formula needs a dozen constants and more, as tanh does.
bool IsTranscendental(const ScalarExpr& e) {
  switch (e.kind()) {
    case ScalarKind::kExp:
    case ScalarKind::kLog:
    case ScalarKind::kTanh:
    case ScalarKind::kSigmoid:
      return true;
    default:
      return std::any_of(e.operands().begin(), e.operands().end(),
                         IsTranscendental);
  }
}

// Where a tile's accumulators leave no registers for a formula's constants, it
// is applied to whole rows of sums, from the first cache: the constants are
// then loaded once a row, not once a vector. A dense layer is one row; a long
// one is so with more registers too, since the formula is then emitted once,
// not for each sum of a tile.
bool TakesRows(const Lowering& lowering, const Node& node,
               const ScalarExpr& formula) {
  constexpr int64_t kLongRow = 64;
  const Shape& shape = node.type.shape;
  if (lowering.block() == 1 || !IsTranscendental(formula)) return false;
  if (shape.size() == 1 && shape[0] >= kLongRow) return true;
  return lowering.registers() <= 16 && (shape.size() == 1 || shape.size() == 3);
}

// What is read for an image of which only the maxima matter (pooled_mask.h).
Expr MaximumOf(const Lowering& lowering, NodeId pooled,
               const std::vector<Var>& vars) {
  const Node& node = lowering.graph().node(pooled);
  const Size2& stride =
      static_cast<const MaxPoolOp&>(*node.op).geometry().stride;
  const auto window = [](const Var& at, int64_t stride, int64_t count) {
    return Halide::clamp(at / static_cast<int>(stride), 0,
                         static_cast<int>(count) - 1);
  };
  return lowering.lowered(pooled).func(
      vars[0], window(vars[1], stride.width, node.type.shape[2]),
      window(vars[2], stride.height, node.type.shape[1]), vars[3]);
}

}  // namespace

Lowered LowerPointwise(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = NodeVars(node.type);
  const ScalarExpr& formula = static_cast<const PointwiseOp&>(*node.op).value();
  const Lowered* accumulator = lowering.PendingInput(node);
  const bool by_rows = lowering.fast() && accumulator != nullptr &&
                       accumulator->rows_together == 1 &&
                       TakesRows(lowering, node, formula);
  Func row(CName(node.name) + "_row");
  if (by_rows) row(vars) = accumulator->func(Exprs(vars));
  std::vector<NodeId> read = node.inputs;
  if (lowering.fast() && !IsOneSample(lowering))
    read = InputsRead(lowering.graph(), lowering.IdOf(node));
  std::vector<Expr> args;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (read[i] != node.inputs[i]) {
      args.push_back(MaximumOf(lowering, read[i], vars));
      continue;
    }
    const Lowered& input = lowering.lowered(node.inputs[i]);
    args.push_back(
        (by_rows && &input == accumulator ? row : input.func)(Exprs(vars)));
  }
  Func result(CName(node.name));
  result(vars) = Emit(formula, args);

  if (by_rows) {
    if (vars.size() == 4) {
      StoreImageRows(lowering, result, node.type);
      row.compute_at(result, vars[2]).bound(vars[0], 0, lowering.block());
    } else {
      StoreRoot(lowering, result, node.type.shape);
      row.compute_root();
    }
    accumulator->tile(row, -1);
    return {result};
  }
  if (lowering.fast() && accumulator != nullptr) {
    result.compute_root();
    accumulator->tile(result, -1);
    return {result};
  }
  if (accumulator != nullptr) Func(accumulator->func).compute_root();
  result.compute_root();
  if (node.type.per_sample) StoreRoot(lowering, result, node.type.shape);
  if (!lowering.fast()) return {result};
  for (NodeId input : node.inputs) {
    const Lowered& inlined = lowering.lowered(input);
    UnrollPeriods(lowering, result, node.type, inlined.period_x,
                  inlined.period_y);
  }
  return {result};
}

}  // namespace kiln
