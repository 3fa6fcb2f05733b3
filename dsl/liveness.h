// What a graph holds in memory while it is computed, estimated before it is
// lowered: which values are stored, in which order, and how long they live.
#ifndef KILN_DSL_LIVENESS_H_
#define KILN_DSL_LIVENESS_H_

#include <cstdint>
#include <vector>

#include "dsl/graph.h"

namespace kiln {

struct LivenessEstimate {
  int64_t peak_bytes = 0;  // a sample
  // The stored values that are alive at the peak and that nothing computed
  // there reads or writes.
  std::vector<NodeId> idle_at_peak;
};

// Bytes of the values that the pipelines store, for one sample. Computed is
// what the outputs need, in the order of the pipelines' output arguments: loss
// and metrics, then gradients from the last layer down. Weights and their
// gradients are the caller's and do not count. The lowering decides in the end
// (generators/lowering.h); this follows its main rules for several samples.
LivenessEstimate EstimateLiveness(const Graph& graph);

// How the pipelines have a node's value.
enum class Keeping {
  kStored,   // in a buffer of its own, or the caller's
  kInTile,   // summed in registers, in the tiles of its one reader
  kInlined,  // computed from its inputs wherever it is read
};

// Of every node; the lowering's main rules.
std::vector<Keeping> KeepingOf(const Graph& graph);

// Which nodes depend on the seed of the backward pass.
std::vector<bool> BackwardNodes(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_LIVENESS_H_
