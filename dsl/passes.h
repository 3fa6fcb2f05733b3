// Graph -> graph passes. Each is a pure function; the pipeline of passes
// verifies the graph between all of them.
#ifndef KILN_DSL_PASSES_H_
#define KILN_DSL_PASSES_H_

#include "absl/status/statusor.h"
#include "dsl/graph.h"

namespace kiln {

// Drops nodes that no output depends on. Names, order and outputs stay.
Graph EliminateDeadCode(const Graph& graph);

// Merges nodes with the same op, attributes and inputs into the first of them.
// Sources (inputs, targets, parameters) are never merged: two of them are two
// buffers.
Graph EliminateCommonSubexpressions(const Graph& graph);

// The graph without its outputs of the kinds not listed, and without what only
// they needed.
Graph KeepOutputs(const Graph& graph, std::initializer_list<OutputKind> kinds);

// The forward graph, cleaned: verify -> common subexpressions -> dead code ->
// verify.
absl::StatusOr<Graph> Optimize(const Graph& graph);

// The whole compilation in one line of prose: merge what the forward graph has
// twice, differentiate it, optimise the result. Fails when a trainable
// parameter does not influence the loss, even one that nothing reads.
absl::StatusOr<Graph> BuildTrainingGraph(const Graph& forward);

}  // namespace kiln

#endif  // KILN_DSL_PASSES_H_
