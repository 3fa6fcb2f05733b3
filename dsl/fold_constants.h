// Passes that leave out what computes nothing.
#ifndef KILN_DSL_FOLD_CONSTANTS_H_
#define KILN_DSL_FOLD_CONSTANTS_H_

#include "dsl/rewrite.h"

namespace kiln {

// A pointwise op that reads one whose value is a constant has the constant in
// its formula, and no pointwise op reads what its formula does not name:
// pointwise(x, half) a0 * a1 with half = 0.5 becomes pointwise(x) a0 * 0.5.
// Formulas fold within themselves when they are made (MakeScalar).
Rewritten FoldConstants(const Graph& graph);

// Leaves out nodes that give what they read: the identity activation, a
// weighted sum of one value with the weight 1, padding by 0, a reshape to the
// same shape; and of two reshapes in a row the first.
Rewritten RemoveIdentities(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_FOLD_CONSTANTS_H_
