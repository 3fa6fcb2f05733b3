// A scale and shift a channel, folded into the layer before it.
#ifndef KILN_DSL_FOLD_AFFINE_H_
#define KILN_DSL_FOLD_AFFINE_H_

#include "dsl/rewrite.h"

namespace kiln {

// channel_affine(conv2d(x, W, b), s, t) -> conv2d(x, s W, s b + t), output
// channel by output channel, and the same for dense; a layer without a bias
// gets t as its own. Where nothing else reads the layer, and s and t depend on
// parameters alone: batch normalisation with known statistics then costs
// nothing. The result has the layer's name.
Rewritten FoldChannelAffine(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_FOLD_AFFINE_H_
