#include "dsl/fold_constants.h"

#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/pointwise.h"

namespace kiln {
namespace {

// The number that every element of the node is, if its formula says so.
std::optional<double> ConstantOf(const Node& node) {
  const auto* op = dynamic_cast<const PointwiseOp*>(node.op.get());
  if (op == nullptr || op->value().kind() != ScalarKind::kConstant)
    return std::nullopt;
  return op->value().constant();
}

// The formula of a pointwise node over the inputs that are left of it.
struct Formula {
  ScalarExpr value;
  std::vector<NodeId> inputs;  // of the old graph
};

// Asks the new graph, where an input may have become a constant.
Formula Folded(const Rewriter& rewriter, const Node& node,
               const PointwiseOp& op) {
  std::vector<ScalarExpr> constants;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const std::optional<double> constant =
        ConstantOf(rewriter.graph().node(rewriter.To(node.inputs[i])));
    constants.push_back(constant ? ScalarExpr(*constant)
                                 : Arg(static_cast<int>(i)));
  }
  const ScalarExpr value = Substitute(op.value(), constants);
  Formula folded{value, {}};
  std::vector<ScalarExpr> renamed;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    renamed.push_back(Arg(static_cast<int>(folded.inputs.size())));
    if (DependsOn(value, static_cast<int>(i)))
      folded.inputs.push_back(node.inputs[i]);
  }
  // A constant has its type from some input.
  if (folded.inputs.empty()) folded.inputs.push_back(node.inputs[0]);
  folded.value = Substitute(value, renamed);
  return folded;
}

bool IsIdentity(const Graph& graph, const Node& node) {
  if (const auto* op = dynamic_cast<const PointwiseOp*>(node.op.get())) {
    return node.inputs.size() == 1 && op->value().kind() == ScalarKind::kArg;
  }
  if (const auto* op = dynamic_cast<const PadOp*>(node.op.get()))
    return op->padding().height == 0 && op->padding().width == 0;
  return node.op->name() == "reshape" &&
         graph.node(node.inputs[0]).type == node.type;
}

}  // namespace

Rewritten FoldConstants(const Graph& graph) {
  Rewriter rewriter(graph);
  Notes notes;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const auto* op = dynamic_cast<const PointwiseOp*>(node.op.get());
    if (op == nullptr) {
      rewriter.Copy(id);
      continue;
    }
    const Formula folded = Folded(rewriter, node, *op);
    if (folded.inputs == node.inputs) {
      rewriter.Copy(id);
      continue;
    }
    std::vector<NodeId> inputs;
    for (NodeId input : folded.inputs) inputs.push_back(rewriter.To(input));
    rewriter.Replace(
        id,
        rewriter.Add(std::make_shared<PointwiseOp>(op->label(), folded.value),
                     std::move(inputs), node.name, node.where));
    notes.push_back(
        absl::StrCat(node.name, " folded to ", folded.value.ToString()));
  }
  return {rewriter.Finish(), notes};
}

Rewritten RemoveIdentities(const Graph& graph) {
  Rewriter rewriter(graph);
  std::vector<std::string> removed;
  bool changed = false;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    // Asked of the new graph, where the input may have been left out already.
    Node now = node;
    now.inputs.clear();
    for (NodeId input : node.inputs) now.inputs.push_back(rewriter.To(input));
    if (node.op->name() == "reshape") {
      const Node& input = rewriter.graph().node(now.inputs[0]);
      if (input.op->name() == "reshape") {
        now.inputs = input.inputs;
        changed = true;
      }
    }
    if (IsIdentity(rewriter.graph(), now)) {
      rewriter.Replace(id, now.inputs[0]);
      removed.push_back(node.name);
    } else {
      rewriter.Replace(
          id, rewriter.Add(node.op, now.inputs, node.name, node.where));
    }
  }
  if (removed.empty()) return {changed ? rewriter.Finish() : graph, {}};
  const char* what = removed.size() > 1 ? " compute nothing and are left out"
                                        : " computes nothing and is left out";
  return {rewriter.Finish(), {absl::StrCat(Listed(removed), what)}};
}

}  // namespace kiln
