// Layers of random models that rearrange, repeat or sum up what they read.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_SHAPES_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_SHAPES_H_

#include "tests/support/random_graph/draft.h"

namespace kiln::random_graph {

// Another shape of as many elements, a sum, or a broadcast.
void ChangeShape(Draft& draft, int item);

// The item itself if it has this shape.
int Reshape(Draft& draft, int item, const Shape& shape);

// REQUIRES: the item is a scalar.
int Broadcast(Draft& draft, int item, const Shape& shape);

// The sum of a few elements, the mean of many: a large sum would saturate what
// reads it.
int Mean(Draft& draft, int item);

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_SHAPES_H_
