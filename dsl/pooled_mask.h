// Where a backward pass reads a pooled image instead of the image it is of, and
// which.
#ifndef KILN_DSL_POOLED_MASK_H_
#define KILN_DSL_POOLED_MASK_H_

#include <vector>

#include "dsl/graph.h"

namespace kiln {

// The nodes that scheduled pipelines of several samples read for the inputs of
// a node: these themselves for most, but the maximum of a window for an image y
// in
//   d_input[p] = d[p] * step(y[p])
// where d is the gradient of a max pooling of y whose windows do not overlap.
// Away from the maximum d is 0, and there y is the maximum; step is not
// negative and depends on comparisons alone, as relu' does. So the bits are the
// same, of a quarter of the memory for windows of 2 x 2, and y need not be kept
// for the backward pass. The maximum of element (x, y) is that of window
// (x / stride, y / stride), or any where a rest at the edge has no window.
std::vector<NodeId> InputsRead(const Graph& graph, NodeId id);

// The max pooling over the windows of the max_pool_index node `index`, or -1.
// Of several (recomputed ones) the nearest before the node `before`.
NodeId MaximumBefore(const Graph& graph, NodeId index, NodeId before);

}  // namespace kiln

#endif  // KILN_DSL_POOLED_MASK_H_
