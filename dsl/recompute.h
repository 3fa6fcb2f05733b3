// Recomputation (rematerialisation; Chen et al., "Training deep nets with
// sublinear memory cost", 2016): the backward pass computes values of the
// forward pass again instead of keeping them.
#ifndef KILN_DSL_RECOMPUTE_H_
#define KILN_DSL_RECOMPUTE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"

namespace kiln {

// The forward values that can be computed again: those of samples, targets
// aside.
std::set<std::string> RecomputableValues(const Graph& training);

// `training` with the forward nodes of these names not kept for the backward
// pass. Where it reads one, it reads a clone "<name>.again", and so on back to
// nodes that are kept: "tanh1.again" of "conv1.again" of "image.again". Clones
// stand after the forward nodes, before the first backward one; when they are
// computed is another matter (dsl/liveness.h). They are what the nodes are
// (ops, types), and are lowered and scheduled in the same way, so every value
// has the same bits; a random tensor draws the same numbers; statistics of a
// batch, and whatever else is not per sample, are always kept.
//
// This is the last pass over a graph: merging common subexpressions would undo
// it. Fails where a name is not recomputable.
absl::StatusOr<Graph> RecomputeInBackward(const Graph& training,
                                          const std::set<std::string>& dropped);

struct RecomputeLevel {
  std::set<std::string> dropped;  // as RecomputeInBackward takes it
  int64_t peak_bytes = 0;         // EstimateLiveness, a sample
};

// Ever less memory for ever more work: the first level drops nothing, each
// other has a lower estimated peak than the one before. Chosen greedily: of the
// values that lie idle at the peak, first those that cost no convolution and no
// dense layer (pointwise, pooling, padding, random tensors, the gather of the
// input), then those whose recomputation gains the most. At most `most` levels.
std::vector<RecomputeLevel> RecomputeLevels(const Graph& training,
                                            size_t most = 12);

}  // namespace kiln

#endif  // KILN_DSL_RECOMPUTE_H_
