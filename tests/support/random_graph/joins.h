// Layers of random models on several values, which are made alike for it.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_JOINS_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_JOINS_H_

#include <vector>

#include "tests/support/random_graph/draft.h"

namespace kiln::random_graph {

// Joins two or three items of any shapes.
void AddJoin(Draft& draft);

// All of them in one item, of the shape of the first.
int JoinAll(Draft& draft, const std::vector<int>& items);

// The item as a vector that is short enough for a dense layer.
int Vector(Draft& draft, int item);

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_JOINS_H_
