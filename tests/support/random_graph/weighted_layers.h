// Layers of random models that have weights, which may be shared or computed.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_WEIGHTED_LAYERS_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_WEIGHTED_LAYERS_H_

#include <cstdint>

#include "dsl/op.h"
#include "tests/support/random_graph/draft.h"

namespace kiln::random_graph {

// Whether a new parameter is frozen.
bool AnyFrozen(Draft& draft);

// The layer `op` of an item, a weight of this shape and perhaps a bias of
// shape[0] elements.
int AddWeighted(Draft& draft, int item, const OpPtr& op, const char* kind,
                const Shape& shape);

// REQUIRES: the item is a vector.
int AddDense(Draft& draft, int item, int64_t out);

// A dense layer of any number of outputs, or of as many as a weight has that is
// already there.
int AddAnyDense(Draft& draft, int item);

// A scale and perhaps a shift of every channel or feature.
// REQUIRES: the item is an image or a vector.
int AddChannelAffine(Draft& draft, int item);

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_WEIGHTED_LAYERS_H_
