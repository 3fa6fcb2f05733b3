#include "dsl/ops/sample_weight.h"

#include "dsl/formula.h"

namespace kiln {

// Of one sample that weighs 1.
Math SampleWeightOp::Formula(const FormulaScope& names) const {
  return names.Write("$out = 1", "$out = 1");
}

}  // namespace kiln
