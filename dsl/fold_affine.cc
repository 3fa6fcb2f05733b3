#include "dsl/fold_affine.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/analysis.h"
#include "dsl/ops/matmul.h"
#include "dsl/ops/pointwise.h"

namespace kiln {
namespace {

// The layer that the node's scale and shift can be folded into, or -1.
NodeId FoldsInto(const Graph& graph, const Rewriter& rewriter, NodeId id) {
  const Node& affine = graph.node(id);
  if (affine.op->name() != "channel_affine") return -1;
  const NodeId layer = affine.inputs[0];
  const absl::string_view op = graph.node(layer).op->name();
  const bool is_layer = op == "conv2d" || op == "dense";
  return is_layer && rewriter.Readers(layer) == 1 ? layer : -1;
}

class AffineFolder {
 public:
  explicit AffineFolder(const Graph& graph) : graph_(graph), rewriter_(graph) {}

  Rewritten Run() {
    // The folded layer takes the place of the affine node, where scale and
    // shift are known, and the name of the layer, which therefore is not
    // copied.
    std::vector<bool> is_folded(graph_.size());
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const NodeId layer = FoldsInto(graph_, rewriter_, id);
      if (layer >= 0) is_folded[layer] = true;
    }
    Notes notes;
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const NodeId layer = FoldsInto(graph_, rewriter_, id);
      if (is_folded[id]) continue;
      if (layer < 0) {
        rewriter_.Copy(id);
        continue;
      }
      rewriter_.Replace(id, Fold(graph_.node(layer), graph_.node(id)));
      const int64_t before = FlopsOf(graph_, graph_.node(layer)).all +
                             FlopsOf(graph_, graph_.node(id)).all;
      const Graph& now = rewriter_.graph();
      const int64_t after = FlopsOf(now, now.node(rewriter_.To(id))).all;
      notes.push_back(absl::StrCat(graph_.node(id).name, " folded into ",
                                   graph_.node(layer).name, " (-",
                                   Thousands(before - after), " FLOPs)"));
    }
    if (notes.empty()) return {graph_, {}};
    return {rewriter_.Finish(), notes};
  }

 private:
  NodeId Fold(const Node& layer, const Node& affine) {
    const NodeId scale = rewriter_.To(affine.inputs[1]);
    const bool has_bias = layer.inputs.size() > 2,
               has_shift = affine.inputs.size() > 2;
    std::vector<NodeId> inputs = {
        rewriter_.To(layer.inputs[0]),
        rewriter_.Add(std::make_shared<ScaleRowsOp>(),
                      {rewriter_.To(layer.inputs[1]), scale},
                      absl::StrCat(layer.name, ".folded_weight"), layer.where)};
    if (has_bias) {
      std::vector<NodeId> terms = {rewriter_.To(layer.inputs[2]), scale};
      if (has_shift) terms.push_back(rewriter_.To(affine.inputs[2]));
      const ScalarExpr scaled = Arg(0) * Arg(1);
      inputs.push_back(rewriter_.Add(
          std::make_shared<PointwiseOp>("folded_bias",
                                        has_shift ? scaled + Arg(2) : scaled),
          std::move(terms), absl::StrCat(layer.name, ".folded_bias"),
          layer.where));
    } else if (has_shift) {
      inputs.push_back(rewriter_.To(affine.inputs[2]));
    }
    return rewriter_.Add(layer.op, std::move(inputs), layer.name, layer.where);
  }

  const Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Rewritten FoldChannelAffine(const Graph& graph) {
  Rewritten result{graph, {}};
  for (;;) {  // of two in a row, the second is next to the layer once the first
              // is gone
    const Rewritten once = AffineFolder(result.graph).Run();
    if (once.notes.empty()) return result;
    result.graph = once.graph;
    result.notes.insert(result.notes.end(), once.notes.begin(),
                        once.notes.end());
  }
}

}  // namespace kiln
