#include "dsl/analysis.h"

#include "dsl/ops/parameter.h"

namespace kiln {

int64_t ParameterCount(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    const auto* parameter = dynamic_cast<const ParameterOp*>(node.op.get());
    if (parameter != nullptr && !parameter->spec().buffer)
      count += ElementCount(node.type.shape);
  }
  return count;
}

FlopCount FlopsOf(const Graph& graph, const Node& node) {
  return node.op->Flops(graph.InputTypes(node), node.type);
}

FlopCount CountFlops(const Graph& graph) {
  FlopCount total;
  for (const Node& node : graph.nodes()) {
    const FlopCount flops = FlopsOf(graph, node);
    total.all += flops.all;
    total.useful += flops.useful;
  }
  return total;
}

TrainingFlops CountTrainingFlops(const Graph& forward, const Graph& training) {
  TrainingFlops total;
  for (const Node& node : training.nodes()) {
    const FlopCount flops = FlopsOf(training, node);
    const bool is_forward = forward.HasName(node.name);
    total.forward += is_forward ? flops.all : 0;
    (is_forward ? total.useful_forward : total.useful_backward) += flops.useful;
  }
  return total;
}

}  // namespace kiln
