#include "dsl/ops/regather.h"

#include "generators/registry.h"

namespace kiln {

// Another Func of the same name, which Halide numbers; the same features.
Lowered LowerRegather(Lowering& lowering, const Node& node) {
  const Node& input = lowering.graph().node(node.inputs[0]);
  const Lowered lowered = LowerInput(lowering, input);
  lowering.shared(CName(node.name) + "_features") =
      lowering.shared(CName(input.name) + "_features");
  return lowered;
}

}  // namespace kiln
