#include "generators/node_table.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "dsl/formula.h"
#include "dsl/passes.h"
#include "dsl/print.h"

namespace kiln {
namespace {

std::string String(absl::string_view text) { return std::string(text); }

// Differentiates once more, only to hear which node is the adjoint of what.
Adjoints AdjointsOf(const Graph& forward) {
  Adjoints adjoints;
  Differentiate(EliminateCommonSubexpressions(forward), {}, &adjoints)
      .IgnoreError();
  return adjoints;
}

}  // namespace

nlohmann::ordered_json NodeTable(const CompiledModel& model) {
  const Graph& graph = model.training;
  const Adjoints adjoints = AdjointsOf(model.forward);
  const std::vector<Symbol> symbols = NameSymbols(graph, adjoints);
  auto table = nlohmann::ordered_json::array();
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const FormulaScope names(graph, id, symbols);
    const Math formula = node.op->Formula(names);
    auto inputs = nlohmann::ordered_json::array();
    for (NodeId input : node.inputs) inputs.push_back(graph.node(input).name);
    auto outputs = nlohmann::ordered_json::array();
    for (const Output& output : graph.outputs()) {
      if (output.node != id) continue;
      const bool is_loss = output.kind == OutputKind::kLoss;
      outputs.push_back(is_loss ? "loss"
                                : absl::StrCat(OutputKindName(output.kind), " ",
                                               output.name));
    }
    const bool is_forward = model.forward.HasName(node.name);
    nlohmann::ordered_json entry = {
        {"name", node.name},
        {"op", String(node.op->name())},
        {"attributes", node.op->Attributes()},
        {"inputs", inputs},
        {"shape", node.type.shape},
        {"dtype", node.type.dtype == DType::kInt32 ? "int32" : "float32"},
        {"stage", is_forward ? "forward" : "backward"},
        {"formula", formula.text},
        {"latex", formula.latex},
        {"symbol", names.Out().latex},
        {"outputs", outputs}};
    const auto adjoint = adjoints.find(node.name);
    if (adjoint != adjoints.end()) {
      entry["adjoint_of"] = adjoint->second.of;
      entry["adjoint_is_part"] = adjoint->second.is_part;
    }
    table.push_back(entry);
  }
  return table;
}

}  // namespace kiln
