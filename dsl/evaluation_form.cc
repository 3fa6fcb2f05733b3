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
#include "dsl/rewrite.h"

namespace kiln {
namespace {

// `graph` without what training passes on.
Graph WithoutState(const Graph& graph) {
  Graph result = graph.WithoutOutputs();
  for (const Output& output : graph.outputs()) {
    if (output.kind != OutputKind::kState)
      result.AddOutput(output.kind, output.name, output.node);
  }
  return result;
}

class Evaluator {
 public:
  explicit Evaluator(const Graph& graph) : graph_(graph), rewriter_(graph) {}

  Graph Run() {
    for (NodeId id = 0; id < graph_.size(); ++id) Convert(id);
    return rewriter_.Finish();
  }

 private:
  void Convert(NodeId id) {
    const Node& node = graph_.node(id);
    const absl::string_view op = node.op->name();
    if (op == "batch_mean") {
      rewriter_.Replace(id, rewriter_.To(node.inputs[1]));
    } else if (op == "batch_variance") {
      rewriter_.Replace(id, rewriter_.To(node.inputs[2]));
    } else if (op == "batch_norm") {
      rewriter_.Replace(id, Normalize(node));
    } else if (op == "pointwise") {
      WithMeans(id);
    } else {
      rewriter_.Copy(id);
    }
  }

  // The formula with the mean in place of each random input.
  void WithMeans(NodeId id) {
    const Node& node = graph_.node(id);
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
        inputs.push_back(rewriter_.To(input));
      }
    }
    if (inputs.size() == node.inputs.size() || inputs.empty()) {
      rewriter_.Copy(id);
      return;
    }
    const ScalarExpr value = Substitute(op.value(), replacements);
    rewriter_.Replace(
        id,
        value.kind() == ScalarKind::kArg
            ? inputs[value.arg()]
            : rewriter_.Add(std::make_shared<PointwiseOp>(op.label(), value),
                            std::move(inputs), node.name, node.where));
  }

  // scale = weight / sqrt(variance + eps), shift = bias - mean scale.
  NodeId Normalize(const Node& node) {
    const double eps = static_cast<const BatchNormOp&>(*node.op).eps();
    const bool affine = node.inputs.size() > 3;
    auto in = [&](int i) { return rewriter_.To(node.inputs[i]); };
    auto add = [&](const char* role, const ScalarExpr& value,
                   std::vector<NodeId> inputs) {
      return rewriter_.Add(std::make_shared<PointwiseOp>(role, value),
                           std::move(inputs),
                           absl::StrCat(node.name, ".", role), node.where);
    };
    const ScalarExpr std = Sqrt(Arg(0) + eps);
    const NodeId scale = affine ? add("scale", Arg(1) / std, {in(2), in(3)})
                                : add("scale", 1 / std, {in(2)});
    const NodeId shift =
        affine ? add("shift", Arg(0) - Arg(1) * Arg(2), {in(4), in(1), scale})
               : add("shift", -(Arg(0) * Arg(1)), {in(1), scale});
    return rewriter_.Add(std::make_shared<ChannelAffineOp>(),
                         {in(0), scale, shift}, node.name, node.where);
  }

  const Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Graph EvaluationForm(const Graph& graph) {
  const Graph stateless = WithoutState(graph);
  return Evaluator(stateless).Run();
}

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
