#include "dsl/ops/sample_weight.h"

#include "generators/registry.h"

namespace kiln {

Lowered LowerSampleWeight(Lowering& lowering, const Node&) {
  Halide::Var n("n");
  Halide::Func seed("scaled_sample_weight");
  seed(n) = lowering.SampleWeight(n) * lowering.Scalar(ArgumentKind::kScale);

  seed.compute_root();
  return {seed};
}

}  // namespace kiln
