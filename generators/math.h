// Elementary functions of the emitted code, and scalar expressions as Halide
// expressions.
#ifndef KILN_GENERATORS_MATH_H_
#define KILN_GENERATORS_MATH_H_

#include <vector>

#include "Halide.h"
#include "dsl/scalar_expr.h"

namespace kiln {

// Vectorisable in float32, by range reduction and polynomials; the libm
// function in float64. NaN gives NaN.
Halide::Expr EmitExp(const Halide::Expr& x);
Halide::Expr EmitLog(const Halide::Expr& x);
Halide::Expr EmitTanh(const Halide::Expr& x);
Halide::Expr EmitSigmoid(const Halide::Expr& x);

// The expression over `args`, in the type of the arguments.
Halide::Expr Emit(const ScalarExpr& e, const std::vector<Halide::Expr>& args);

}  // namespace kiln

#endif  // KILN_GENERATORS_MATH_H_
