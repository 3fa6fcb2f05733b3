// Stacked dense layers with nothing between them are one dense layer.
#ifndef KILN_DSL_COLLAPSE_DENSE_H_
#define KILN_DSL_COLLAPSE_DENSE_H_

#include "dsl/rewrite.h"

namespace kiln {

// dense(dense(x, W1, b1), W2, b2) -> dense(x, W2 W1, W2 b1 + b2), where nothing
// else reads the first layer, and where the one layer costs no more FLOPs a
// sample than the two: a bottleneck (784 -> 2 -> 784) stays. Repeated until no
// pair is left. The result has the last layer's name; its weight and bias are
// nodes that depend on parameters alone, for SplitPrepare.
//
// REQUIRES: RemoveIdentities ran, so that no identity stands between layers.
Rewritten CollapseDense(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_COLLAPSE_DENSE_H_
