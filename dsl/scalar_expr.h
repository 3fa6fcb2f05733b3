// Scalar expressions: the body of a pointwise op, as an immutable tree.
//
// An activation is a formula such as `1 / (1 + Exp(-Arg(0)))`. Kiln
// differentiates it symbolically, prints it, counts its operations, evaluates
// it in double for the tests, and the generators translate it to Halide.
#ifndef KILN_DSL_SCALAR_EXPR_H_
#define KILN_DSL_SCALAR_EXPR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace kiln {

enum class ScalarKind {
  kConstant,
  kArg,
  kNeg,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMax,
  kMin,
  kExp,
  kLog,
  kTanh,
  kSigmoid,
  kSqrt,
  kGreater,  // 1 where a > b, else 0
  kSelect,   // a != 0 ? b : c
};

// A scalar expression over arguments 0..n-1: a cheap value that shares its
// immutable nodes.
class ScalarExpr {
 public:
  ScalarExpr(
      double constant);  // NOLINT: `1 - Arg(0)` should read as mathematics.

  ScalarKind kind() const { return node_->kind; }
  double constant() const { return node_->constant; }  // of a kConstant
  int arg() const { return node_->arg; }               // of a kArg
  const std::vector<ScalarExpr>& operands() const { return node_->operands; }

  bool IsConstant(double value) const;

  // Which node this is: expressions share subtrees, and walks that visit each
  // node once know it by this.
  const void* id() const { return node_.get(); }
  bool IsShared() const { return node_.use_count() > 1; }

  // The same expression over the same arguments, for common-subexpression
  // elimination and goldens: "1 - a0 * a0".
  std::string ToString() const;

 private:
  struct Node {
    ScalarKind kind;
    double constant = 0;
    int arg = 0;
    std::vector<ScalarExpr> operands;
  };
  explicit ScalarExpr(Node node);
  friend ScalarExpr Arg(int index);
  friend ScalarExpr MakeScalar(ScalarKind kind,
                               std::vector<ScalarExpr> operands);

  std::shared_ptr<const Node> node_;
};

// Argument `index` of the pointwise op.
ScalarExpr Arg(int index);

// The node `kind(operands...)`, folded where an operand is a constant that
// decides it (x * 1, x + 0, ...).
ScalarExpr MakeScalar(ScalarKind kind, std::vector<ScalarExpr> operands);

ScalarExpr operator-(const ScalarExpr& a);
ScalarExpr operator+(const ScalarExpr& a, const ScalarExpr& b);
ScalarExpr operator-(const ScalarExpr& a, const ScalarExpr& b);
ScalarExpr operator*(const ScalarExpr& a, const ScalarExpr& b);
ScalarExpr operator/(const ScalarExpr& a, const ScalarExpr& b);
ScalarExpr Max(const ScalarExpr& a, const ScalarExpr& b);
ScalarExpr Min(const ScalarExpr& a, const ScalarExpr& b);
ScalarExpr Exp(const ScalarExpr& a);
ScalarExpr Log(const ScalarExpr& a);
ScalarExpr Tanh(const ScalarExpr& a);
ScalarExpr Sigmoid(const ScalarExpr& a);  // 1 / (1 + e^-a)
ScalarExpr Sqrt(const ScalarExpr& a);     // NaN where a < 0
ScalarExpr Greater(const ScalarExpr& a,
                   const ScalarExpr& b);  // 1 where a > b, else 0
ScalarExpr Select(const ScalarExpr& condition, const ScalarExpr& then,
                  const ScalarExpr& otherwise);

// d e / d Arg(index), simplified. At a kink the derivative is the one of the
// branch taken when the comparison is false: Max(x, 0) has derivative 0 at 0,
// as relu'(0) = 0.
ScalarExpr Derivative(const ScalarExpr& e, int index);

// `e` with Arg(i) replaced by replacements[i]; REQUIRES: ArgCount(e) <=
// replacements.size().
ScalarExpr Substitute(const ScalarExpr& e,
                      absl::Span<const ScalarExpr> replacements);

// One more than the largest argument index used; 0 for a constant expression.
int ArgCount(const ScalarExpr& e);
bool DependsOn(const ScalarExpr& e, int index);

// Arithmetic operations in the tree, where shared subtrees count as often as
// they are read; a transcendental function and a comparison count one each. Not
// more than kManyOperations is returned: times any shape that is no overflow.
constexpr int64_t kManyOperations = int64_t{1} << 22;
int64_t OperationCount(const ScalarExpr& e);

// The value in double; the reference the emitted code is tested against.
double Evaluate(const ScalarExpr& e, absl::Span<const double> args);

}  // namespace kiln

#endif  // KILN_DSL_SCALAR_EXPR_H_
