// Reverse-mode differentiation, graph to graph.
#ifndef KILN_DSL_DIFFERENTIATE_H_
#define KILN_DSL_DIFFERENTIATE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"

namespace kiln {

// Of which forward node a backward node is the adjoint, by their names. Where a
// value is used more than once, the adjoint is a sum of parts.
struct Adjoint {
  std::string of;
  bool is_part = false;
};
using Adjoints = std::map<std::string, Adjoint>;

// Returns `graph` extended by nodes that compute the gradient of its loss with
// respect to every parameter that is not frozen, each an output of kind
// kGradient: the sum over the batch of the samples' gradients, each sample's
// scaled by the `sample_weight` node (in a pipeline: weight(n) * scale, so a
// mean is a scale of 1 / batch).
//
// Adjoints nobody needs (of the data, of frozen parameters) are never built.
// Fails when there is no loss, or when a trainable parameter does not influence
// it.
//
// `also` names sources whose adjoints are built besides, though nothing reads
// them: what leaving them out saves is counted so (report.h). With `adjoints`,
// tells which node is the adjoint of what.
absl::StatusOr<Graph> Differentiate(const Graph& graph,
                                    const std::set<std::string>& also = {},
                                    Adjoints* adjoints = nullptr);

// What an op sees of the differentiation when it builds the adjoints of its
// inputs.
class GradientBuilder {
 public:
  // The differentiated node, its inputs and the adjoint of its output.
  NodeId node() const { return node_; }
  NodeId input(int i) const;
  int input_count() const {
    return static_cast<int>(graph_.node(node_).inputs.size());
  }
  NodeId output_gradient() const { return output_gradient_; }
  const TensorType& TypeOf(NodeId id) const { return graph_.node(id).type; }

  // Whether the adjoint of input i is wanted at all.
  bool Needs(int i) const;

  // Adds a node. `role` names it after the layer: "d_weight" of node conv1
  // becomes "conv1.d_weight".
  NodeId Add(OpPtr op, std::vector<NodeId> inputs, const std::string& role);

  // Adds `gradient` to the adjoint of input i (more than one use of a value
  // sums).
  void Set(int i, NodeId gradient) {
    contributions_.push_back({input(i), gradient});
  }

 private:
  friend class Differentiator;
  GradientBuilder(Graph& graph, const std::vector<bool>& needs, NodeId node,
                  NodeId output_gradient)
      : graph_(graph),
        needs_(needs),
        node_(node),
        output_gradient_(output_gradient) {}

  struct Contribution {
    NodeId to;
    NodeId gradient;
  };

  Graph& graph_;
  const std::vector<bool>& needs_;
  NodeId node_;
  NodeId output_gradient_;
  absl::Status status_;
  std::vector<Contribution> contributions_;
};

}  // namespace kiln

#endif  // KILN_DSL_DIFFERENTIATE_H_
