#include "dsl/ops/channel_affine.h"

#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

// The scale and shift of a channel are the same for all lanes and columns: two
// broadcasts outside the inner loops, and one multiply-add a vector.
Lowered LowerChannelAffine(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  const Var channel = vars.back();  // c of an image, i of a vector
  Expr value =
      lowering.input(node, 0)(Exprs(vars)) * lowering.input(node, 1)(channel);
  if (node.inputs.size() > 2) value = value + lowering.input(node, 2)(channel);
  Func affine(CName(node.name));
  affine(vars) = value;

  StoreRoot(lowering, affine, node.type.shape);
  return {affine};
}

}  // namespace kiln
