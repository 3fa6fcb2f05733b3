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
// Correctly rounded in both.
Halide::Expr EmitSqrt(const Halide::Expr& x);

// What must not lose a NaN asks by these: Halide and LLVM simplify arithmetic,
// comparisons and selects as if there were none.
Halide::Expr IsNan(const Halide::Expr& x);
// `x` in the order written, NaN included; in float64, which is for gradient
// checks at finite points, `x` itself.
Halide::Expr Strictly(const Halide::Expr& x);
// One operation rounded by itself, whatever its operands come from and its
// result goes to: LLVM neither contracts it with them into a fused
// multiply-add nor reassociates it. Arithmetic where one node meets another is
// such, so that a node's bits do not depend on whether it is stored or still in
// registers, nor on who else reads it.
Halide::Expr StrictAdd(const Halide::Expr& a, const Halide::Expr& b);
Halide::Expr StrictSub(const Halide::Expr& a, const Halide::Expr& b);
Halide::Expr StrictMul(const Halide::Expr& a, const Halide::Expr& b);
Halide::Expr StrictDiv(const Halide::Expr& a, const Halide::Expr& b);
// The lesser and the greater; `b` when either is NaN, so NaN where b is. Not of
// a b that LLVM takes for a number, a sum in registers: the result of a strict
// operation, or of a load.
Halide::Expr StrictMin(const Halide::Expr& a, const Halide::Expr& b);
Halide::Expr StrictMax(const Halide::Expr& a, const Halide::Expr& b);
// x itself, marked: a pipeline without any strict operation is compiled as if
// all were fast (generators/rounding.h).
Halide::Expr MarkStrict(const Halide::Expr& x);
// a > b; false when either is NaN.
Halide::Expr IsGreater(const Halide::Expr& a, const Halide::Expr& b);
// condition ? a : b, whichever is NaN.
Halide::Expr SelectBits(const Halide::Expr& condition, const Halide::Expr& a,
                        const Halide::Expr& b);
// `result`, or x where that is NaN.
Halide::Expr KeepNan(const Halide::Expr& x, const Halide::Expr& result);

// The expression over `args`, in the type of the arguments.
Halide::Expr Emit(const ScalarExpr& e, const std::vector<Halide::Expr>& args);

}  // namespace kiln

#endif  // KILN_GENERATORS_MATH_H_
