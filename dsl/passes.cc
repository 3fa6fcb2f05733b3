#include "dsl/passes.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/differentiate.h"

namespace kiln {
namespace {

// Copies the nodes that `keep` accepts; `replacement[id]` is the node that
// stands for id (itself, mostly).
Graph Rebuild(const Graph& graph, const std::vector<bool>& keep,
              const std::vector<NodeId>& replacement) {
  Graph result;
  std::vector<NodeId> new_id(graph.size(), -1);
  for (NodeId id = 0; id < graph.size(); ++id) {
    if (!keep[id]) continue;
    const Node& node = graph.node(id);
    std::vector<NodeId> inputs;
    for (NodeId input : node.inputs)
      inputs.push_back(new_id[replacement[input]]);
    // A node that was valid stays valid: only the ids of its inputs change.
    new_id[id] =
        result.Add(node.op, std::move(inputs), node.name, node.where).value();
  }
  for (const Output& output : graph.outputs()) {
    result.AddOutput(output.kind, output.name,
                     new_id[replacement[output.node]]);
  }
  return result;
}

std::vector<NodeId> Identity(const Graph& graph) {
  std::vector<NodeId> ids(graph.size());
  for (NodeId id = 0; id < graph.size(); ++id) ids[id] = id;
  return ids;
}

}  // namespace

Graph EliminateDeadCode(const Graph& graph) {
  std::vector<bool> live(graph.size());
  for (const Output& output : graph.outputs()) live[output.node] = true;
  for (NodeId id = graph.size() - 1; id >= 0; --id) {
    if (!live[id]) continue;
    for (NodeId input : graph.node(id).inputs) live[input] = true;
  }
  return Rebuild(graph, live, Identity(graph));
}

Graph EliminateCommonSubexpressions(const Graph& graph) {
  std::vector<NodeId> replacement = Identity(graph);
  std::vector<bool> keep(graph.size(), true);
  std::map<std::string, NodeId> first;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const bool is_source = node.inputs.empty();
    if (is_source) continue;
    std::vector<NodeId> inputs;
    for (NodeId input : node.inputs) inputs.push_back(replacement[input]);
    const std::string key =
        absl::StrCat(node.op->name(), " ", node.op->Attributes(), " ",
                     absl::StrJoin(inputs, ","));
    auto [entry, is_new] = first.emplace(key, id);
    replacement[id] = entry->second;
    keep[id] = is_new;
  }
  return Rebuild(graph, keep, replacement);
}

Graph KeepOutputs(const Graph& graph, std::initializer_list<OutputKind> kinds) {
  Graph result = graph.WithoutOutputs();
  for (const Output& output : graph.outputs()) {
    if (std::find(kinds.begin(), kinds.end(), output.kind) != kinds.end()) {
      result.AddOutput(output.kind, output.name, output.node);
    }
  }
  return EliminateDeadCode(result);
}

absl::StatusOr<Graph> Optimize(const Graph& graph) {
  if (absl::Status status = Verify(graph); !status.ok()) return status;
  Graph result = EliminateCommonSubexpressions(graph);
  if (absl::Status status = Verify(result); !status.ok()) return status;
  result = EliminateDeadCode(result);
  if (absl::Status status = Verify(result); !status.ok()) return status;
  return result;
}

absl::StatusOr<Graph> BuildTrainingGraph(const Graph& forward) {
  if (absl::Status status = Verify(forward); !status.ok()) return status;
  // Dead code stays until the end: a trainable layer that nothing reads is a
  // mistake, which Differentiate reports.
  absl::StatusOr<Graph> training =
      Differentiate(EliminateCommonSubexpressions(forward));
  if (!training.ok()) return training;
  return Optimize(*training);
}

}  // namespace kiln
