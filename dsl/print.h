// Printing a graph: stable text for goldens and readers, dot for pictures.
#ifndef KILN_DSL_PRINT_H_
#define KILN_DSL_PRINT_H_

#include <string>

#include "dsl/graph.h"

namespace kiln {

// One line a node in topological order, inputs by name, then one line an
// output:
//   conv1 = conv2d(pad1, conv1.weight, conv1.bias) kernel=5x5 stride=1x1
//   padding=0x0 : 6x28x28 per sample loss loss = softmax_cross_entropy1
std::string ToText(const Graph& graph);

// A Graphviz digraph: parameters as boxes, data as ellipses, edges labelled by
// shape.
std::string ToDot(const Graph& graph);

// "head", "loss", "metric", "gradient".
std::string OutputKindName(OutputKind kind);

}  // namespace kiln

#endif  // KILN_DSL_PRINT_H_
