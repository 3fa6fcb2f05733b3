#include "tests/mutants/expression_mutants.h"

#include <set>

namespace kiln {
namespace {

// What may stand in place of `e` itself, its operands being right.
std::vector<ScalarExpr> WrongRoots(const ScalarExpr& e, int arguments) {
  const auto& x = e.operands();
  std::vector<ScalarExpr> wrong;
  switch (e.kind()) {
    case ScalarKind::kConstant:
      return {-e, e + 1.0};
    case ScalarKind::kArg:
      for (int i = 0; i < arguments; ++i) {
        if (i != e.arg()) wrong.push_back(Arg(i));
      }
      return wrong;
    case ScalarKind::kNeg:
    case ScalarKind::kExp:
    case ScalarKind::kLog:
    case ScalarKind::kTanh:
    case ScalarKind::kSigmoid:
    case ScalarKind::kSqrt:
      return {x[0]};
    case ScalarKind::kAdd:
      return {x[0], x[1], x[0] - x[1]};
    case ScalarKind::kSub:
      return {x[0], -x[1], x[1] - x[0], x[0] + x[1]};
    case ScalarKind::kMul:
      return {x[0], x[1], x[0] + x[1]};
    case ScalarKind::kDiv:
      return {x[0], x[1] / x[0], x[0] * x[1]};
    case ScalarKind::kMax:
      return {x[0], x[1], Min(x[0], x[1])};
    case ScalarKind::kMin:
      return {x[0], x[1], Max(x[0], x[1])};
    case ScalarKind::kGreater:
      return {Greater(x[1], x[0]), 1.0, 0.0};
    case ScalarKind::kSelect:
      return {x[1], x[2], Select(x[0], x[2], x[1])};
  }
  return wrong;
}

std::vector<ScalarExpr> AllMutants(const ScalarExpr& e, int arguments) {
  std::vector<ScalarExpr> mutants = WrongRoots(e, arguments);
  for (size_t i = 0; i < e.operands().size(); ++i) {
    for (const ScalarExpr& wrong : AllMutants(e.operands()[i], arguments)) {
      std::vector<ScalarExpr> operands = e.operands();
      operands[i] = wrong;
      mutants.push_back(MakeScalar(e.kind(), std::move(operands)));
    }
  }
  return mutants;
}

}  // namespace

std::vector<ScalarExpr> ExpressionMutants(const ScalarExpr& e, int arguments) {
  std::set<std::string> seen = {e.ToString()};
  std::vector<ScalarExpr> mutants;
  for (const ScalarExpr& mutant : AllMutants(e, arguments)) {
    if (seen.insert(mutant.ToString()).second) mutants.push_back(mutant);
  }
  return mutants;
}

}  // namespace kiln
