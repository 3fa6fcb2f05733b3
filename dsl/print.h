// Printing a graph: stable text for goldens and readers, dot for pictures.
#ifndef KILN_DSL_PRINT_H_
#define KILN_DSL_PRINT_H_

#include <string>

#include "dsl/graph.h"

namespace kiln {

// One line a node in topological order, inputs by name, then one line an
// output:
//   pool1 = max_pool(relu1) kernel=2x2 stride=2x2 padding=0x0 : 4x12x12
//   loss loss = softmax_cross_entropy1
std::string ToText(const Graph& graph);

// A Graphviz digraph: parameters as boxes, data as ellipses, edges labelled by
// shape.
std::string ToDot(const Graph& graph);

// "head", "loss", "metric", "gradient".
std::string OutputKindName(OutputKind kind);

}  // namespace kiln

#endif  // KILN_DSL_PRINT_H_
