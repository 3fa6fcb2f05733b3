#include "dsl/pooled_mask.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dsl/ops/max_pool.h"
#include "dsl/ops/pointwise.h"

namespace kiln {

namespace {

// Whether the value is one of a few that are not negative, told apart by
// comparisons.
bool IsStep(const ScalarExpr& e) {
  switch (e.kind()) {
    case ScalarKind::kConstant:
      return !std::signbit(e.constant()) &&
             e.constant() <= std::numeric_limits<float>::max();
    case ScalarKind::kGreater:
      return true;
    case ScalarKind::kSelect:
    case ScalarKind::kMul:
      return std::all_of(e.operands().begin(), e.operands().end(), IsStep);
    default:
      return false;
  }
}

// The i for which the formula is Arg(i) times a step of others, or -1.
int SteppedInput(const ScalarExpr& formula) {
  // Subtrees are shared, and the walk does not look for that.
  constexpr int64_t kMostOperations = 64;
  if (formula.kind() != ScalarKind::kMul ||
      OperationCount(formula) > kMostOperations)
    return -1;
  for (int i = 0; i < 2; ++i) {
    const ScalarExpr &factor = formula.operands()[i],
                     &step = formula.operands()[1 - i];
    if (factor.kind() == ScalarKind::kArg && IsStep(step) &&
        !DependsOn(step, factor.arg()))
      return factor.arg();
  }
  return -1;
}

}  // namespace

std::vector<NodeId> InputsRead(const Graph& graph, NodeId id) {
  std::vector<NodeId> read = graph.node(id).inputs;
  const auto* pointwise =
      dynamic_cast<const PointwiseOp*>(graph.node(id).op.get());
  if (pointwise == nullptr) return read;
  const int stepped = SteppedInput(pointwise->value());
  if (stepped < 0) return read;
  const Node& gradient = graph.node(read[stepped]);
  const auto* op = dynamic_cast<const MaxPoolGradOp*>(gradient.op.get());
  if (op == nullptr || op->geometry().kernel != op->geometry().stride ||
      op->geometry().padding != Size2(0))
    return read;
  const Node& index = graph.node(gradient.inputs[0]);
  const auto* index_op = dynamic_cast<const MaxPoolIndexOp*>(index.op.get());
  if (index_op == nullptr ||
      index_op->Attributes() != op->geometry().ToString())
    return read;
  const NodeId pooled = MaximumBefore(graph, gradient.inputs[0], id);
  if (pooled >= 0)
    std::replace(read.begin(), read.end(), index.inputs[0], pooled);
  return read;
}

NodeId MaximumBefore(const Graph& graph, NodeId index, NodeId before) {
  const Node& place = graph.node(index);
  for (NodeId id = before - 1; id > place.inputs[0]; --id) {
    const Node& node = graph.node(id);
    if (node.op->name() == "max_pool" && node.inputs == place.inputs &&
        node.op->Attributes() == place.op->Attributes())
      return id;
  }
  return -1;
}

}  // namespace kiln
