#include "dsl/ops/reshape.h"

#include "generators/one_sample.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

Lowered LowerReshape(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  const Shape& from = lowering.type(node.inputs[0]).shape;
  const Shape& to = node.type.shape;

  // Row-major place of the element, then its coordinates in the input's shape,
  // both innermost first.
  Expr place = 0;
  int stride = 1;
  for (size_t d = 0; d < to.size(); ++d) {
    place += vars[d + 1] * stride;
    stride *= static_cast<int>(to[to.size() - 1 - d]);
  }
  std::vector<Expr> at = {vars[0]};
  for (size_t d = 0; d < from.size(); ++d) {
    const int extent = static_cast<int>(from[from.size() - 1 - d]);
    const bool is_last = d + 1 == from.size();
    at.push_back(is_last ? place : place % extent);
    place = place / extent;
  }
  Func reshaped(CName(node.name));
  reshaped(vars) = lowering.input(node, 0)(at);

  // An index map that is cheap to inline where it turns a vector into an image;
  // the dense layer wants a flat copy.
  if (lowering.fast() && to.size() > from.size()) {
    if (HasChannelLanes(lowering, to)) StoreUnflattened(lowering, reshaped, to);
    return {reshaped};
  }
  if (HasChannelLanes(lowering, from) && to.size() == 1) {
    StoreFlattened(lowering, reshaped, from);
  } else {
    StoreRoot(lowering, reshaped, node.type.shape);
    if (lowering.fast() && !IsOneSample(lowering) && from.size() == 3 &&
        to.size() == 1) {
      // Loops over the image, so that its coordinates need no divisions.
      const Var xy("xy"), x("x"), y("y");
      const int width = static_cast<int>(from[2]),
                plane = width * static_cast<int>(from[1]);
      BoundToShape(reshaped, to);
      reshaped.split(vars[1], vars[1], xy, plane)
          .split(xy, y, x, width)
          .unroll(x, LargestDivisor(width, 8));
    }
  }
  return {reshaped};
}

}  // namespace kiln
