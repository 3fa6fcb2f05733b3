#include "dsl/ops/regather.h"

#include "generators/registry.h"

namespace kiln {

// Another Func of the same name, which Halide numbers.
Lowered LowerRegather(Lowering& lowering, const Node& node) {
  return LowerInput(lowering, lowering.graph().node(node.inputs[0]));
}

}  // namespace kiln
