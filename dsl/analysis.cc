#include "dsl/analysis.h"

namespace kiln {

int64_t ParameterCount(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) {
    if (node.op->name() == "parameter") count += ElementCount(node.type.shape);
  }
  return count;
}

FlopCount CountFlops(const Graph& graph) {
  FlopCount total;
  for (const Node& node : graph.nodes()) {
    const FlopCount flops = node.op->Flops(graph.InputTypes(node), node.type);
    total.all += flops.all;
    total.useful += flops.useful;
  }
  return total;
}

TrainingFlops CountTrainingFlops(const Graph& forward, const Graph& training) {
  const FlopCount forward_flops = CountFlops(forward);
  return {forward_flops.all, forward_flops.useful, CountFlops(training).useful - forward_flops.useful};
}

}  // namespace kiln
