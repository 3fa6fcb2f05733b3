// What a graph costs: parameters and floating-point operations, without
// allocating anything.
#ifndef KILN_DSL_ANALYSIS_H_
#define KILN_DSL_ANALYSIS_H_

#include <cstdint>

#include "dsl/graph.h"

namespace kiln {

// Elements of all parameters.
int64_t ParameterCount(const Graph& graph);

// FLOPs of one sample in one node, and over all nodes; see FlopCount for the
// two rules.
FlopCount FlopsOf(const Graph& graph, const Node& node);
FlopCount CountFlops(const Graph& graph);

// The FLOPs of a training step: of the nodes that the training graph has of the
// forward graph, and of what differentiation added to them.
struct TrainingFlops {
  int64_t forward =
      0;  // every operation, forward only (heads, loss and metrics)
  int64_t useful_forward =
      0;  // 2 per multiply-add of convolutions and dense layers
  int64_t useful_backward = 0;  // the same, of weight gradients and the input
                                // gradients that are needed
};
TrainingFlops CountTrainingFlops(const Graph& forward, const Graph& training);

}  // namespace kiln

#endif  // KILN_DSL_ANALYSIS_H_
