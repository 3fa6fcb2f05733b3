// Kinks of a graph: where a comparison (of a maximum, a selection, a metric) is
// about to be decided the other way.
#ifndef KILN_TESTS_RANDOM_GRAPHS_KINKS_H_
#define KILN_TESTS_RANDOM_GRAPHS_KINKS_H_

#include <cstdint>

#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

// By how much the closest comparison of the forward graph is decided, relative
// to its operands where these are larger than 0.1. Operands that are equal do
// not count, but for those of a metric. `nodes`: of this graph, or of one that
// extends it.
double SmallestMargin(const Graph& graph, const NodeValues& nodes,
                      int64_t batch);

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_KINKS_H_
