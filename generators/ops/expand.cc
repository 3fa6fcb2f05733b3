#include "dsl/ops/expand.h"

#include "generators/registry.h"

namespace kiln {

using Halide::Func;
using Halide::Var;

Lowered LowerExpand(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  Func expanded(CName(node.name));
  expanded(vars) = lowering.input(node, 0)(0);

  if (lowering.fast())
    return {expanded};  // nothing to store: it is the parameter itself
  expanded.compute_root();
  return {expanded};
}

}  // namespace kiln
