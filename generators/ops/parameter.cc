#include "dsl/ops/parameter.h"

#include "generators/registry.h"

namespace kiln {

Lowered LowerParameter(Lowering& lowering, const Node& node) {
  return {lowering.inputs().Buffer(
      lowering.argument(ArgumentKind::kParameter, node.name))};
}

}  // namespace kiln
