#include "dsl/collapse_dense.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/analysis.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/matmul.h"

namespace kiln {
namespace {

// The layers that the dense node of a name stands for, first to last, and what
// they cost.
struct Stack {
  std::vector<std::string> layers;
  int64_t flops = 0;
};
using Stacks = std::map<std::string, Stack>;

Stack StackOf(const Stacks& stacks, const Graph& graph, const Node& node) {
  const auto found = stacks.find(node.name);
  return found != stacks.end() ? found->second
                               : Stack{{node.name}, FlopsOf(graph, node).all};
}

// FLOPs of a dense layer of `inputs` x `outputs`.
int64_t DenseFlops(int64_t inputs, int64_t outputs, bool bias) {
  return outputs * (2 * inputs - (bias ? 0 : 1));
}

class Collapser {
 public:
  explicit Collapser(Graph graph) : graph_(std::move(graph)) {}

  Rewritten Run() {
    while (Step()) {
    }
    Notes notes;
    for (const Node& node : graph_.nodes()) {
      const auto stack = stacks_.find(node.name);
      if (stack == stacks_.end()) continue;
      const int64_t saved = stack->second.flops - FlopsOf(graph_, node).all;
      notes.push_back(absl::StrCat(
          Listed(stack->second.layers), " collapsed into one dense layer (",
          saved == 0 ? "0" : "-", saved == 0 ? "" : Thousands(saved),
          " FLOPs)"));
    }
    return {std::move(graph_), notes};
  }

 private:
  // Whether the dense node `outer` and the one that it reads are better one.
  bool IsPair(const Rewriter& rewriter, const Node& outer) const {
    if (outer.op->name() != "dense") return false;
    const Node& inner = graph_.node(outer.inputs[0]);
    if (inner.op->name() != "dense" || rewriter.Readers(outer.inputs[0]) != 1)
      return false;
    const bool bias = inner.inputs.size() > 2 || outer.inputs.size() > 2;
    return DenseFlops(graph_.node(inner.inputs[0]).type.shape[0],
                      outer.type.shape[0], bias) <=
           FlopsOf(graph_, inner).all + FlopsOf(graph_, outer).all;
  }

  // Collapses the first pair; false when there is none.
  bool Step() {
    Rewriter rewriter(graph_);
    bool found = false;
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const Node& outer = graph_.node(id);
      if (found || !IsPair(rewriter, outer)) {
        rewriter.Copy(id);
        continue;
      }
      found = true;
      const Node& inner = graph_.node(outer.inputs[0]);
      Stack stack = StackOf(stacks_, graph_, inner);
      const Stack last = StackOf(stacks_, graph_, outer);
      stack.layers.insert(stack.layers.end(), last.layers.begin(),
                          last.layers.end());
      stack.flops += last.flops;
      stacks_.erase(inner.name);
      stacks_[outer.name] = std::move(stack);
      rewriter.Replace(id, Collapse(inner, outer, &rewriter));
    }
    if (found) graph_ = rewriter.Finish();
    return found;
  }

  static NodeId Collapse(const Node& inner, const Node& outer,
                         Rewriter* rewriter) {
    auto to = [&](const Node& node, int i) {
      return rewriter->To(node.inputs[i]);
    };
    std::vector<NodeId> inputs = {
        to(inner, 0),
        rewriter->Add(
            std::make_shared<MatmulOp>(), {to(outer, 1), to(inner, 1)},
            absl::StrCat(outer.name, ".collapsed_weight"), outer.where)};
    const bool inner_bias = inner.inputs.size() > 2,
               outer_bias = outer.inputs.size() > 2;
    if (inner_bias) {
      std::vector<NodeId> terms = {to(outer, 1), to(inner, 2)};
      if (outer_bias) terms.push_back(to(outer, 2));
      inputs.push_back(rewriter->Add(
          std::make_shared<MatvecOp>(), std::move(terms),
          absl::StrCat(outer.name, ".collapsed_bias"), outer.where));
    } else if (outer_bias) {
      inputs.push_back(to(outer, 2));
    }
    return rewriter->Add(std::make_shared<DenseOp>(), std::move(inputs),
                         outer.name, outer.where);
  }

  Graph graph_;
  Stacks stacks_;
};

}  // namespace

Rewritten CollapseDense(const Graph& graph) { return Collapser(graph).Run(); }

}  // namespace kiln
