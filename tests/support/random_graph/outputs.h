// What a random model is for: losses, metrics, heads, and what nothing reads.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_OUTPUTS_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_OUTPUTS_H_

#include <vector>

#include "tests/support/random_graph/draft.h"

namespace kiln::random_graph {

// Losses of all that nothing reads yet, save some that no trainable parameter
// influences. Returns those that are outputs of their own, none if they were
// summed up.
std::vector<Value> AddLosses(Draft& draft);

// `losses`: what AddLosses returned.
void AddHeadsAndMetrics(Draft& draft, const std::vector<Value>& losses);

// Layers, without trainable parameters of their own, that nothing reads, or
// only a head does.
void AddDeadCode(Draft& draft);

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_OUTPUTS_H_
