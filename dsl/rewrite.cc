#include "dsl/rewrite.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/passes.h"

namespace kiln {

Rewriter::Rewriter(const Graph& from)
    : from_(from), to_(from.size(), -1), readers_(from.size()) {
  for (const Node& node : from.nodes()) {
    for (NodeId input : node.inputs) ++readers_[input];
  }
  for (const Output& output : from.outputs()) ++readers_[output.node];
}

NodeId Rewriter::Copy(NodeId id) {
  const Node& node = from_.node(id);
  std::vector<NodeId> inputs;
  for (NodeId input : node.inputs) inputs.push_back(to_[input]);
  return to_[id] = Add(node.op, std::move(inputs), node.name, node.where);
}

NodeId Rewriter::Add(OpPtr op, std::vector<NodeId> inputs,
                     const std::string& name, const SourceLine& where) {
  return graph_
      .Add(std::move(op), std::move(inputs), graph_.UniqueName(name), where)
      .value();
}

Graph Rewriter::Finish() {
  for (const Output& output : from_.outputs())
    graph_.AddOutput(output.kind, output.name, to_[output.node]);
  return EliminateDeadCode(graph_);
}

std::string Thousands(int64_t number) {
  if (number < 0) return absl::StrCat("-", Thousands(-number));
  std::string digits = absl::StrCat(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return digits;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    const char* separator = i == 0                  ? ""
                            : i + 1 == names.size() ? " and "
                                                    : ", ";
    absl::StrAppend(&text, separator, names[i]);
  }
  return text;
}

}  // namespace kiln
