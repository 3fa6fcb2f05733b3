// Declared derivatives of pointwise formulas, held against the symbolic ones.
#ifndef KILN_DSL_DERIVATIVE_CHECK_H_
#define KILN_DSL_DERIVATIVE_CHECK_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "dsl/scalar_expr.h"

namespace kiln {

// Of the points that are tried, and of those that must have been compared:
// where value and derivative are finite, no comparison is within its rounding
// error of changing sides, and rounding leaves six digits of the derivative.
constexpr int kDerivativeCheckPoints = 512;
constexpr int kLeastComparedPoints = 16;

// Compares partials[i] with the symbolic d value / d Arg(i) in double, on a
// fixed set of points: magnitudes from 1e-3 to 1e3 of either sign, arguments
// independent of each other, and the neighbourhoods of the formulas' own
// constants, where branches change. Arg(partials.size()) is the output, as in
// PointwiseOp.
//
// Fails where a declared derivative differs, or is not finite though formula
// and derivative are; and where fewer than kLeastComparedPoints could be
// compared. At a kink itself any value may be declared. A branch that no point
// takes is not checked.
//
// REQUIRES: no expression reads arguments past these.
absl::Status CheckDeclaredDerivatives(const ScalarExpr& value,
                                      absl::Span<const ScalarExpr> partials);

}  // namespace kiln

#endif  // KILN_DSL_DERIVATIVE_CHECK_H_
