#include "dsl/print.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace kiln {
namespace {

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\\\""}}), "\"");
}

const char* DotShape(const Node& node) {
  if (node.op->name() == "parameter") return "box";
  return node.inputs.empty() ? "ellipse" : "box, style=rounded";
}

}  // namespace

std::string OutputKindName(OutputKind kind) {
  switch (kind) {
    case OutputKind::kHead:
      return "head";
    case OutputKind::kLoss:
      return "loss";
    case OutputKind::kMetric:
      return "metric";
    case OutputKind::kGradient:
      return "gradient";
    case OutputKind::kPrepared:
      return "prepared";
    case OutputKind::kState:
      return "state";
  }
  return "?";
}

std::string ToText(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    auto append_name = [&](std::string* out, NodeId id) {
      absl::StrAppend(out, graph.node(id).name);
    };
    absl::StrAppend(&text, node.name, " = ", node.op->name(), "(",
                    absl::StrJoin(node.inputs, ", ", append_name), ")");
    const std::string attributes = node.op->Attributes();
    absl::StrAppend(&text, attributes.empty() ? "" : " ", attributes, " : ",
                    TypeString(node.type), "\n");
  }
  for (const Output& output : graph.outputs()) {
    absl::StrAppend(&text, OutputKindName(output.kind), " ", output.name, " = ",
                    graph.node(output.node).name, "\n");
  }
  return text;
}

std::string ToDot(const Graph& graph) {
  std::string dot =
      "digraph kiln {\n  rankdir=TB;\n  node [fontname=\"Helvetica\", "
      "fontsize=10];\n";
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    std::string label = absl::StrCat(node.name, "\\n", node.op->name());
    if (node.op->name() == "pointwise")
      absl::StrAppend(&label, " ", node.op->Attributes());
    absl::StrAppend(&dot, "  n", id, " [label=", Quoted(label),
                    ", shape=", DotShape(node), "];\n");
    for (NodeId input : node.inputs) {
      absl::StrAppend(&dot, "  n", input, " -> n", id, " [label=",
                      Quoted(ShapeString(graph.node(input).type.shape)),
                      ", fontsize=8];\n");
    }
  }
  int index = 0;
  for (const Output& output : graph.outputs()) {
    absl::StrAppend(
        &dot, "  out", index, " [label=",
        Quoted(absl::StrCat(OutputKindName(output.kind), " ", output.name)),
        ", shape=doubleoctagon];\n  n", output.node, " -> out", index, ";\n");
    ++index;
  }
  return absl::StrCat(dot, "}\n");
}

}  // namespace kiln
