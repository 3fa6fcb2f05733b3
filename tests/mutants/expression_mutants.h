// Wrong versions of a scalar expression.
#ifndef KILN_TESTS_MUTANTS_EXPRESSION_MUTANTS_H_
#define KILN_TESTS_MUTANTS_EXPRESSION_MUTANTS_H_

#include <string>
#include <vector>

#include "dsl/scalar_expr.h"

namespace kiln {

// Every expression that differs from `e` in one place: a term or factor
// dropped, a sign or an operation exchanged, a function left out, the branches
// of a comparison swapped, a constant changed, another of `arguments`
// arguments read. No two print alike, and none prints like `e`.
std::vector<ScalarExpr> ExpressionMutants(const ScalarExpr& e, int arguments);

}  // namespace kiln

#endif  // KILN_TESTS_MUTANTS_EXPRESSION_MUTANTS_H_
