#include "dsl/ops/sum.h"

#include "generators/math.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

Lowered LowerSum(Lowering& lowering, const Node& node) {
  const Var n("n");
  const Shape& shape = lowering.type(node.inputs[0]).shape;
  Halide::Region region;
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent)
    region.push_back({0, static_cast<int>(*extent)});
  if (region.empty()) region.push_back({0, 1});
  const RDom r(region, "r");
  std::vector<Expr> at = {n};
  for (size_t d = 0; d < shape.size(); ++d)
    at.push_back(r[static_cast<int>(d)]);
  Func sum(CName(node.name));
  sum(n) = Halide::Internal::make_const(lowering.real(), 0);
  sum(n) = StrictAdd(sum(n), lowering.input(node, 0)(at));

  StoreRoot(lowering, sum);
  if (!lowering.fast()) return {sum};
  const int vector = VectorDivisor(lowering.block(), lowering.vector_size());
  if (vector > 1) sum.update().vectorize(n, vector);
  return {sum};
}

Lowered LowerBroadcast(Lowering& lowering, const Node& node) {
  const std::vector<Var> vars = SampleVars(node.type);
  Func broadcast(CName(node.name));
  broadcast(vars) = lowering.input(node, 0)(vars[0]);

  if (lowering.fast())
    return {broadcast};  // nothing to store: it is the scalar itself
  broadcast.compute_root();
  return {broadcast};
}

}  // namespace kiln
