// Small graphs for tests of single ops.
#ifndef KILN_TESTS_SUPPORT_GRAPH_TESTING_H_
#define KILN_TESTS_SUPPORT_GRAPH_TESTING_H_

#include <string>
#include <vector>

#include "dsl/graph.h"
#include "dsl/ops/input.h"
#include "tests/support/interpreter.h"

namespace kiln {

// Builds a graph from ops; a wrong node is a failure of the test that adds it.
class GraphMaker {
 public:
  // Adds a node called `name`, or the op's name with a number.
  NodeId Add(OpPtr op, std::vector<NodeId> inputs = {},
             const std::string& name = "");

  NodeId Input(const std::string& name, Shape shape, InputFormat format = {});
  NodeId Labels(const std::string& name, int64_t classes);
  NodeId Target(const std::string& name, Shape shape);
  NodeId Parameter(const std::string& name, Shape shape, bool frozen = false);

  // A per-sample value of `shape` that is trained: d loss / d `name` is the
  // adjoint of this value, element by element, summed over the batch with the
  // weights of the samples' `name`_x input, a scalar. In sample n its value is
  // x_n * `name`[...]; `name` has the shape {elements, 1}.
  NodeId Trained(const std::string& name, Shape shape);

  // Makes sum over all elements of value * `name` the loss; `name` is a target
  // of that shape, so that the adjoint of `value` is whatever the case puts
  // there. With `square`, sum of (value - `name`)^2, which is not linear in
  // value.
  void ProjectToLoss(NodeId value, const std::string& name,
                     bool square = false);

  void Head(const std::string& name, NodeId node) {
    graph_.AddOutput(OutputKind::kHead, name, node);
  }
  void Metric(const std::string& name, NodeId node) {
    graph_.AddOutput(OutputKind::kMetric, name, node);
  }
  // The next value of the parameter `name`.
  void State(const std::string& name, NodeId node) {
    graph_.AddOutput(OutputKind::kState, name, node);
  }
  void Loss(NodeId node) { graph_.AddOutput(OutputKind::kLoss, "loss", node); }

  const Graph& graph() const { return graph_; }

 private:
  Graph graph_;
};

// The id of the node called `name`, or -1.
NodeId FindNode(const Graph& graph, const std::string& name);

// The node of the head called `name`, or -1.
NodeId FindHead(const Graph& graph, const std::string& name);

// Names of the nodes that read the node called `name`, in order.
std::vector<std::string> ReadersOf(const Graph& graph, const std::string& name);

// The interpreter's value of the node called `name`; a failure of the test when
// there is none.
std::vector<double> ValueOf(const Graph& graph, const GraphValues& values,
                            const std::string& name);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_GRAPH_TESTING_H_
