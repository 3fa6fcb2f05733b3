#include "dsl/evaluation_form.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dsl/ops/batch_norm.h"
#include "dsl/ops/channel_affine.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/random.h"
#include "dsl/passes.h"

namespace kiln {
namespace {

// Copies a graph node by node; now_[id] is what stands for node id.
class Evaluator {
 public:
  explicit Evaluator(const Graph& graph) : graph_(graph), now_(graph.size()) {}

  Graph Run() {
    for (NodeId id = 0; id < graph_.size(); ++id) now_[id] = Convert(id);
    for (const Output& output : graph_.outputs()) {
      if (output.kind == OutputKind::kState) continue;
      result_.AddOutput(output.kind, output.name, now_[output.node]);
    }
    return EliminateDeadCode(result_);
  }

 private:
  NodeId Convert(NodeId id) {
    const Node& node = graph_.node(id);
    const absl::string_view op = node.op->name();
    if (op == "batch_mean") return now_[node.inputs[1]];
    if (op == "batch_variance") return now_[node.inputs[2]];
    if (op == "batch_norm") return Normalize(node);
    if (op == "pointwise") return WithMeans(node);
    return Copy(node);
  }

  // A node that was valid stays so: what stands for another has its type.
  NodeId Add(OpPtr op, std::vector<NodeId> inputs, const std::string& name,
             const Node& from) {
    return result_.Add(std::move(op), std::move(inputs), name, from.where)
        .value();
  }

  NodeId Copy(const Node& node) {
    std::vector<NodeId> inputs;
    for (NodeId input : node.inputs) inputs.push_back(now_[input]);
    return Add(node.op, std::move(inputs), node.name, node);
  }

  // The formula with the mean in place of each random input.
  NodeId WithMeans(const Node& node) {
    const auto& op = static_cast<const PointwiseOp&>(*node.op);
    std::vector<NodeId> inputs;
    std::vector<ScalarExpr> replacements;
    for (NodeId input : node.inputs) {
      const auto* random =
          dynamic_cast<const RandomOp*>(graph_.node(input).op.get());
      if (random != nullptr) {
        replacements.push_back(random->distribution().Mean());
      } else {
        replacements.push_back(Arg(static_cast<int>(inputs.size())));
        inputs.push_back(now_[input]);
      }
    }
    if (inputs.size() == node.inputs.size() || inputs.empty())
      return Copy(node);
    const ScalarExpr value = Substitute(op.value(), replacements);
    if (value.kind() == ScalarKind::kArg) return inputs[value.arg()];
    return Add(std::make_shared<PointwiseOp>(op.label(), value),
               std::move(inputs), node.name, node);
  }

  // scale = weight / sqrt(variance + eps), shift = bias - mean scale.
  NodeId Normalize(const Node& node) {
    const double eps = static_cast<const BatchNormOp&>(*node.op).eps();
    const bool affine = node.inputs.size() > 3;
    auto in = [&](int i) { return now_[node.inputs[i]]; };
    auto add = [&](const char* role, const ScalarExpr& value,
                   std::vector<NodeId> inputs) {
      return Add(std::make_shared<PointwiseOp>(role, value), std::move(inputs),
                 result_.UniqueName(absl::StrCat(node.name, ".", role)), node);
    };
    const ScalarExpr std = Sqrt(Arg(0) + eps);
    const NodeId scale = affine ? add("scale", Arg(1) / std, {in(2), in(3)})
                                : add("scale", 1 / std, {in(2)});
    const NodeId shift =
        affine ? add("shift", Arg(0) - Arg(1) * Arg(2), {in(4), in(1), scale})
               : add("shift", -(Arg(0) * Arg(1)), {in(1), scale});
    return Add(std::make_shared<ChannelAffineOp>(), {in(0), scale, shift},
               node.name, node);
  }

  const Graph& graph_;
  Graph result_;
  std::vector<NodeId> now_;
};

}  // namespace

Graph EvaluationForm(const Graph& graph) { return Evaluator(graph).Run(); }

bool HasRandom(const Graph& graph) {
  return std::any_of(
      graph.nodes().begin(), graph.nodes().end(),
      [](const Node& node) { return node.op->name() == "random"; });
}

bool NeedsWholeBatch(const Graph& graph) {
  return std::any_of(
      graph.nodes().begin(), graph.nodes().end(),
      [](const Node& node) { return node.op->name() == "batch_mean"; });
}

}  // namespace kiln
