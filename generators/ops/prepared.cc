#include "dsl/ops/prepared.h"

#include "generators/registry.h"

namespace kiln {

Lowered LowerPrepared(Lowering& lowering, const Node& node) {
  return {lowering.inputs().Buffer(
      lowering.argument(ArgumentKind::kPrepared, node.name))};
}

}  // namespace kiln
