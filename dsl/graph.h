// The graph: a copyable value that holds nodes in topological order.
#ifndef KILN_DSL_GRAPH_H_
#define KILN_DSL_GRAPH_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dsl/op.h"
#include "dsl/type.h"

namespace kiln {

// Where in the model file a node was written.
struct SourceLine {
  std::string file;
  int line = 0;
};

struct Node {
  OpPtr op;
  std::vector<NodeId> inputs;  // each smaller than the node's own id
  TensorType type;
  std::string
      name;  // unique in the graph: "conv1", "conv1.weight", "conv1.d_weight"
  SourceLine where;
};

// What a graph is computed for.
enum class OutputKind {
  kHead,      // an output of the model, per sample
  kLoss,      // the scalar that is minimised, per sample; at most one
  kMetric,    // a reported scalar, per sample
  kGradient,  // the gradient of the parameter of the same name, summed over the
              // batch
  kPrepared,  // a tensor that parameters alone decide (prepare.h)
  kState,     // the next value of the model's state (a buffer) of that name
};

struct Output {
  OutputKind kind;
  std::string name;  // for a gradient: the parameter's name
  NodeId node;
};

class Graph {
 public:
  // Appends a node after checking its type; the error is "file:line: name: what
  // is wrong".
  absl::StatusOr<NodeId> Add(OpPtr op, std::vector<NodeId> inputs,
                             std::string name, SourceLine where);

  void AddOutput(OutputKind kind, std::string name, NodeId node) {
    outputs_.push_back({kind, std::move(name), node});
  }

  // The same nodes, computed for nothing yet.
  Graph WithoutOutputs() const;

  int size() const { return static_cast<int>(nodes_.size()); }
  const Node& node(NodeId id) const { return nodes_[id]; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Output>& outputs() const { return outputs_; }

  std::vector<TensorType> InputTypes(const Node& node) const;

  // Ids of the nodes that read each node, in order, once per use.
  std::vector<std::vector<NodeId>> Users() const;

  // The loss output's node, or -1.
  NodeId Loss() const;

  // `base`, or `base` with the smallest number appended that makes it new.
  std::string UniqueName(const std::string& base) const;
  bool HasName(const std::string& name) const;

 private:
  std::vector<Node> nodes_;
  std::vector<Output> outputs_;
};

// "models/lenet5.cc:14: conv1: "
std::string ErrorPrefix(const SourceLine& where, const std::string& name);

// "conv1.weight" -> "conv1_weight": the name in C and in Halide.
std::string CName(const std::string& name);

// What every pass must keep: topological order, types as inferred, unique names
// (in C as well), scalar per-sample loss and metrics, gradients shaped like
// their parameters.
absl::Status Verify(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_GRAPH_H_
