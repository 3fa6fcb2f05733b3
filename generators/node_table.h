// The nodes of a model's training graph as the manifest has them: what
// `explain` prints beside the values of the trace pipeline.
#ifndef KILN_GENERATORS_NODE_TABLE_H_
#define KILN_GENERATORS_NODE_TABLE_H_

#include "generators/model_generator.h"
#include "nlohmann/json.hpp"

namespace kiln {

// In graph order, each {name, op, attributes, inputs, shape, dtype, stage,
// formula, latex, symbol, outputs} and, where the node is the gradient of the
// loss by another node or a part of it, adjoint_of. `stage` is "forward" for
// what the model file says and "backward" for what differentiation added;
// `formula` and `latex` are the equation of one sample, `symbol` its left side
// in LaTeX without an index. `outputs` says what it is computed for: "loss",
// "gradient fc1.weight".
nlohmann::ordered_json NodeTable(const CompiledModel& model);

}  // namespace kiln

#endif  // KILN_GENERATORS_NODE_TABLE_H_
