// What passes that replace nodes share: a graph copied node by node, and the
// notes that say what was done to it.
#ifndef KILN_DSL_REWRITE_H_
#define KILN_DSL_REWRITE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/graph.h"

namespace kiln {

// What a pass did, one sentence each, for the person who reads `summary`:
// "fc1 and fc2 collapsed into one dense layer (-2,048 FLOPs)". A pass that
// finds nothing to do says nothing.
using Notes = std::vector<std::string>;

struct Rewritten {
  Graph graph;
  Notes notes;
};

// Copies a graph in order. For each node of it, call Copy or Replace once; then
// Finish.
class Rewriter {
 public:
  explicit Rewriter(const Graph& from);

  // The node stays, reading what stands for its inputs.
  NodeId Copy(NodeId id);
  // Readers of the node read `by`, a node of the new graph, instead.
  void Replace(NodeId id, NodeId by) { to_[id] = by; }
  // A node of the new graph. REQUIRES: its op takes these inputs, ids of the
  // new graph. The name is made unique.
  NodeId Add(OpPtr op, std::vector<NodeId> inputs, const std::string& name,
             const SourceLine& where);

  // The new node that stands for the old one.
  NodeId To(NodeId id) const { return to_[id]; }
  const Graph& graph() const { return graph_; }

  // How many nodes and outputs read the old node.
  int Readers(NodeId id) const { return readers_[id]; }

  // The new graph with the old outputs, without what nothing reads any more.
  Graph Finish();

 private:
  const Graph& from_;
  Graph graph_;
  std::vector<NodeId> to_;
  std::vector<int> readers_;
};

// "61,706"
std::string Thousands(int64_t number);

// "fc1", "fc1 and fc2", "fc1, fc2 and fc3"
std::string Listed(const std::vector<std::string>& names);

}  // namespace kiln

#endif  // KILN_DSL_REWRITE_H_
