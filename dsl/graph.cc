#include "dsl/graph.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace kiln {
namespace {

absl::Status NodeError(const Node& node, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(ErrorPrefix(node.where, node.name), what));
}

// The type of the node's output by its op's rule.
absl::StatusOr<TensorType> TypeByRule(const Op& op,
                                      const std::vector<TensorType>& inputs) {
  const InputCount count = op.Inputs();
  const int given = static_cast<int>(inputs.size());
  if (given < count.least || given > count.most) {
    return absl::InvalidArgumentError(
        absl::StrCat(op.name(), " does not take ", given, " inputs"));
  }
  return op.InferType(inputs);
}

absl::Status VerifyNode(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  for (NodeId input : node.inputs) {
    if (input < 0 || input >= id)
      return NodeError(node, "reads a node that does not come before it");
  }
  absl::StatusOr<TensorType> type =
      TypeByRule(*node.op, graph.InputTypes(node));
  if (!type.ok()) return NodeError(node, type.status().message());
  if (*type != node.type) {
    return NodeError(node,
                     absl::StrCat("has type ", TypeString(node.type),
                                  ", but its op gives ", TypeString(*type)));
  }
  return absl::OkStatus();
}

absl::Status VerifyOutput(const Graph& graph, const Output& output) {
  if (output.node < 0 || output.node >= graph.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("output ", output.name, " names no node"));
  }
  const Node& node = graph.node(output.node);
  if (output.kind == OutputKind::kGradient ||
      output.kind == OutputKind::kState) {
    for (const Node& parameter : graph.nodes()) {
      const bool is_parameter = parameter.op->name() == "parameter";
      if (is_parameter && parameter.name == output.name &&
          parameter.type == node.type)
        return absl::OkStatus();
    }
    return NodeError(
        node, absl::StrCat(
                  "is no ",
                  output.kind == OutputKind::kState ? "next value" : "gradient",
                  " of a parameter called ", output.name));
  }
  if (output.kind == OutputKind::kPrepared) {
    return node.type.per_sample
               ? NodeError(node, "cannot be prepared: samples influence it")
               : absl::OkStatus();
  }
  if (!node.type.per_sample || node.type.dtype != DType::kFloat32) {
    return NodeError(node, absl::StrCat("cannot be an output: it is ",
                                        TypeString(node.type)));
  }
  if (output.kind != OutputKind::kHead && !node.type.shape.empty()) {
    return NodeError(
        node, absl::StrCat(
                  "a loss or metric must be a scalar per sample, and this is ",
                  TypeString(node.type)));
  }
  return absl::OkStatus();
}

}  // namespace

void Op::BuildGradient(GradientBuilder&) const {}

FlopCount Op::Flops(absl::Span<const TensorType>, const TensorType&) const {
  return {};
}

absl::StatusOr<NodeId> Graph::Add(OpPtr op, std::vector<NodeId> inputs,
                                  std::string name, SourceLine where) {
  Node node{
      std::move(op), std::move(inputs), {}, std::move(name), std::move(where)};
  if (HasName(node.name)) return NodeError(node, "this name is used twice");
  for (NodeId input : node.inputs) {
    if (input < 0 || input >= size())
      return NodeError(node, "reads a node that does not come before it");
  }
  absl::StatusOr<TensorType> type = TypeByRule(*node.op, InputTypes(node));
  if (!type.ok()) return NodeError(node, type.status().message());
  node.type = *std::move(type);
  if (absl::Status status = CheckShape(node.type.shape); !status.ok())
    return NodeError(node, status.message());
  nodes_.push_back(std::move(node));
  return size() - 1;
}

Graph Graph::WithoutOutputs() const {
  Graph result = *this;
  result.outputs_.clear();
  return result;
}

std::vector<TensorType> Graph::InputTypes(const Node& node) const {
  std::vector<TensorType> types;
  for (NodeId input : node.inputs) types.push_back(nodes_[input].type);
  return types;
}

std::vector<std::vector<NodeId>> Graph::Users() const {
  std::vector<std::vector<NodeId>> users(nodes_.size());
  for (NodeId id = 0; id < size(); ++id) {
    for (NodeId input : nodes_[id].inputs) users[input].push_back(id);
  }
  return users;
}

NodeId Graph::Loss() const {
  for (const Output& output : outputs_) {
    if (output.kind == OutputKind::kLoss) return output.node;
  }
  return -1;
}

bool Graph::HasName(const std::string& name) const {
  for (const Node& node : nodes_) {
    if (node.name == name) return true;
  }
  return false;
}

std::string Graph::UniqueName(const std::string& base) const {
  if (!HasName(base)) return base;
  for (int suffix = 2;; ++suffix) {
    std::string name = absl::StrCat(base, suffix);
    if (!HasName(name)) return name;
  }
}

std::string ErrorPrefix(const SourceLine& where, const std::string& name) {
  return absl::StrCat(where.file, ":", where.line, ": ", name, ": ");
}

std::string CName(const std::string& name) {
  return absl::StrReplaceAll(name, {{".", "_"}});
}

absl::Status Verify(const Graph& graph) {
  std::map<std::string, std::string> c_names;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (absl::Status status = VerifyNode(graph, id); !status.ok())
      return status;
    auto [other, is_new] = c_names.emplace(CName(node.name), node.name);
    if (!is_new) {
      return NodeError(node, absl::StrCat("this name and ", other->second,
                                          " are both ", other->first, " in C"));
    }
  }
  int losses = 0;
  for (const Output& output : graph.outputs()) {
    if (absl::Status status = VerifyOutput(graph, output); !status.ok())
      return status;
    losses += output.kind == OutputKind::kLoss;
  }
  if (losses > 1)
    return absl::InvalidArgumentError("a graph has at most one loss output");
  return absl::OkStatus();
}

}  // namespace kiln
