// A model has two forms. As written it is the training form: dropout drops,
// slopes are random, batch normalisation takes its statistics from the batch.
// Inference and evaluation compute the other one.
#ifndef KILN_DSL_EVALUATION_FORM_H_
#define KILN_DSL_EVALUATION_FORM_H_

#include "dsl/graph.h"

namespace kiln {

// The evaluation form of a forward graph:
//  - a random number is its mean: dropout disappears, a random slope is one
//    number;
//  - a batch's mean and variance are the running ones, and batch normalisation
//    is a channel_affine, whose scale and shift are computed from parameters
//    alone.
// Outputs stay, but for the next values of the running statistics, and so do
// names and order. A graph without such nodes comes back without dead code and
// otherwise as it is. REQUIRES: no kGradient output.
Graph EvaluationForm(const Graph& graph);

// Whether a node is a random tensor; its pipelines need a seed and a step.
bool HasRandom(const Graph& graph);

// Whether statistics of the batch are taken: its training pipelines must see
// the whole of it in one block.
bool NeedsWholeBatch(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_EVALUATION_FORM_H_
