#include "tests/support/interpreter.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "dsl/ops/input.h"
#include "tests/ops/references.h"

namespace kiln {
namespace {

int64_t Elements(const TensorType& type, int64_t batch) {
  return ElementCount(type.shape) * (type.per_sample ? batch : 1);
}

absl::Status Wrong(const Node& node, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("interpreter: ", node.name, ": ", what));
}

absl::Status CheckLabels(const Node& node, const TargetOp& target,
                         const std::vector<double>& labels) {
  for (double label : labels) {
    if (label != std::floor(label) || label < 0 ||
        label >= static_cast<double>(target.classes())) {
      return Wrong(node, absl::StrCat("label ", label, " is none of ",
                                      target.classes(), " classes"));
    }
  }
  return absl::OkStatus();
}

// That `values` hold what the source `node` reads.
absl::Status CheckSource(const Node& node, const GraphValues& values) {
  if (node.op->name() == "sample_weight") {
    const bool fits =
        values.weights.empty() ||
        static_cast<int64_t>(values.weights.size()) == values.batch;
    return fits ? absl::OkStatus()
                : Wrong(node, "one weight per sample is needed");
  }
  if (node.op->name() == "random") return absl::OkStatus();
  const auto tensor = values.tensors.find(node.name);
  if (tensor == values.tensors.end()) return Wrong(node, "has no values");
  const int64_t expected = Elements(node.type, values.batch);
  if (static_cast<int64_t>(tensor->second.size()) != expected) {
    return Wrong(node, absl::StrCat("has ", tensor->second.size(),
                                    " values, not ", expected));
  }
  const auto* target = dynamic_cast<const TargetOp*>(node.op.get());
  if (target != nullptr && target->classes() > 0)
    return CheckLabels(node, *target, tensor->second);
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<std::vector<std::vector<T>>> InterpretWith(
    const Graph& graph, const GraphValues& values) {
  std::vector<std::vector<T>> results(graph.size());
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const Reference<T> reference = FindReference<T>(node.op->name());
    if (reference == nullptr)
      return Wrong(node, absl::StrCat("no reference for op ", node.op->name()));
    if (node.inputs.empty()) {
      if (absl::Status status = CheckSource(node, values); !status.ok())
        return status;
    }
    results[id].resize(Elements(node.type, values.batch));
    ReferenceCall<T> call{
        node, values, graph.InputTypes(node), {}, results[id].data()};
    for (NodeId input : node.inputs)
      call.inputs.push_back(results[input].data());
    reference(call);
  }
  return results;
}

}  // namespace

double BareWeight(const GraphValues& values, int64_t n) {
  return values.weights.empty() ? 1 : values.weights[n];
}

double SampleWeight(const GraphValues& values, int64_t n) {
  return BareWeight(values, n) * values.scale;
}

absl::StatusOr<NodeValues> Interpret(const Graph& graph,
                                     const GraphValues& values) {
  return InterpretWith<double>(graph, values);
}

absl::StatusOr<NodeBounds> InterpretRounded(const Graph& graph,
                                            const GraphValues& values) {
  return InterpretWith<Rounded>(graph, values);
}

absl::StatusOr<double> InterpretLoss(const Graph& graph,
                                     const GraphValues& values) {
  absl::StatusOr<NodeValues> results = Interpret(graph, values);
  if (!results.ok()) return results.status();
  if (graph.Loss() < 0)
    return absl::InvalidArgumentError("interpreter: the graph has no loss");
  const std::vector<double>& losses = (*results)[graph.Loss()];
  double sum = 0;
  for (int64_t n = 0; n < values.batch; ++n) {
    // A lane of weight 0 does not count, whatever its value.
    if (SampleWeight(values, n) != 0)
      sum += SampleWeight(values, n) * losses[n];
  }
  return sum;
}

absl::StatusOr<Gradients> InterpretGradients(const Graph& training,
                                             const GraphValues& values) {
  absl::StatusOr<NodeValues> results = Interpret(training, values);
  if (!results.ok()) return results.status();
  Gradients gradients;
  for (const Output& output : training.outputs()) {
    if (output.kind == OutputKind::kGradient)
      gradients[output.name] = (*results)[output.node];
  }
  return gradients;
}

GraphValues SampleOf(const Graph& graph, const GraphValues& values, int64_t n) {
  GraphValues one = values;
  one.batch = 1;
  if (!values.weights.empty()) one.weights = {values.weights[n]};
  one.rows = {values.rows.empty() ? n : values.rows[n]};
  for (const Node& node : graph.nodes()) {
    const auto found = values.tensors.find(node.name);
    if (found == values.tensors.end() || !node.type.per_sample) continue;
    const int64_t size = ElementCount(node.type.shape);
    const auto first = found->second.begin() + n * size;
    one.tensors[node.name] = {first, first + size};
  }
  return one;
}

}  // namespace kiln
