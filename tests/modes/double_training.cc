#include "tests/modes/double_training.h"

#include "dsl/evaluation_form.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "tests/support/interpreter.h"

namespace kiln {
namespace {

Graph Forward() {
  ModelBuilder builder;
  KilnModelDefinition(builder);
  return builder.Build().value().graph;
}

// The rows of the per-sample tensors, all of the others.
GraphValues Select(const Graph& graph, const Tensors& tensors,
                   const std::vector<int32_t>& rows) {
  GraphValues values;
  values.batch = static_cast<int64_t>(rows.size());
  values.scale = 1 / static_cast<double>(rows.size());
  values.rows.assign(rows.begin(), rows.end());
  for (const Node& node : graph.nodes()) {
    const auto found = tensors.find(node.name);
    if (found == tensors.end()) continue;
    std::vector<double>& selected = values.tensors[node.name];
    if (!node.type.per_sample) {
      selected = found->second;
      continue;
    }
    const int64_t size = ElementCount(node.type.shape);
    for (int32_t row : rows) {
      const auto first = found->second.begin() + row * size;
      selected.insert(selected.end(), first, first + size);
    }
  }
  return values;
}

}  // namespace

void DoubleTraining::Step(const std::vector<int32_t>& rows,
                          double learning_rate) {
  static const auto& training =
      *new Graph(BuildTrainingGraph(Forward()).value());
  GraphValues values = Select(training, tensors_, rows);
  values.seed = seed_;
  values.step = step_++;
  const NodeValues nodes = Interpret(training, values).value();
  for (const Output& output : training.outputs()) {
    const std::vector<double>& node = nodes[output.node];
    if (output.kind == OutputKind::kState) tensors_[output.name] = node;
    if (output.kind != OutputKind::kGradient) continue;
    std::vector<double>& parameter = tensors_.at(output.name);
    for (size_t i = 0; i < parameter.size(); ++i)
      parameter[i] -= learning_rate * node[i];
  }
}

std::vector<double> DoubleTraining::Logits(
    const std::vector<int32_t>& rows) const {
  const Graph graph = EvaluationForm(Forward());
  const NodeValues nodes =
      Interpret(graph, Select(graph, tensors_, rows)).value();
  for (const Output& output : graph.outputs()) {
    if (output.kind == OutputKind::kHead) return nodes[output.node];
  }
  return {};
}

}  // namespace kiln
