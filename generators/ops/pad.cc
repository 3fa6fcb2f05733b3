#include "dsl/ops/pad.h"

#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Func;
using Halide::Var;

Lowered LowerPad(Lowering& lowering, const Node& node) {
  const Size2& padding = static_cast<const PadOp&>(*node.op).padding();
  if (IsOneSample(lowering)) {
    Func padded = StoreBordered(lowering, lowering.input(node, 0),
                                lowering.type(node.inputs[0]), padding,
                                node.type.shape, CName(node.name));
    BoundToShape(padded, node.type.shape);
    return {padded};
  }
  const Var n("n"), x("x"), y("y"), c("c");
  Func extended =
      ZeroExtended(lowering.input(node, 0), lowering.type(node.inputs[0]),
                   CName(node.name) + "_extended");
  Func padded(CName(node.name));
  padded(n, x, y, c) = extended(n, x - static_cast<int>(padding.width),
                                y - static_cast<int>(padding.height), c);

  StoreRoot(lowering, padded, node.type.shape);
  return {padded};
}

Lowered LowerCrop(Lowering& lowering, const Node& node) {
  const Size2& border = static_cast<const CropOp&>(*node.op).border();
  const Var n("n"), x("x"), y("y"), c("c");
  Func cropped(CName(node.name));
  cropped(n, x, y, c) =
      lowering.input(node, 0)(n, x + static_cast<int>(border.width),
                              y + static_cast<int>(border.height), c);

  StoreRoot(lowering, cropped, node.type.shape);
  return {cropped};
}

}  // namespace kiln
