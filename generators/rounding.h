// Every operation rounds as it is written.
#ifndef KILN_GENERATORS_ROUNDING_H_
#define KILN_GENERATORS_ROUNDING_H_

#include "Halide.h"

namespace kiln {

// A custom lowering pass, the last one, which leaves LLVM no choice of how
// float arithmetic is rounded. Halide lets it contract and reassociate whatever
// is not strict, and what LLVM does with that depends on what else stands in
// the function: which factors of a product of three it multiplies first, for
// one, on which pairs of factors are frequent in it. Here
//  - x + a b, x - a b and a b - x become one call of llvm.fma, which rounds
//    once and is an instruction;
//  - every other addition, subtraction, multiplication and division becomes
//    strict, rounded by itself;
//  - a sum of the lanes of a vector becomes a tree of strict additions;
//  - but a multiply-add to what is stored, t[i] = t[i] + a b, stays as it is
//    where it is the only one to t[i] in the body of a loop. There is nothing
//    to reassociate it with, as what it adds to comes from the iteration
//    before, and its product, which nothing else reads, is contracted.
// So the bits of a pipeline are those that its loop nest says, and a node that
// has the same loops in two pipelines has the same bits.
//
// Halide knows no llvm.fma of vectors and emits one a lane, of which LLVM makes
// vectors again. That it does not always do for register tiles that are
// transposed when they are complete, hence the exception.
//
// The pipeline must have a strict operation from the start: one that has none
// is compiled as if all were fast, calls included (MarkStrict in math.h).
class RoundingPass : public Halide::Internal::IRMutator {
 public:
  // Without the instruction (Target::FMA) a product is rounded by itself too.
  explicit RoundingPass(const Halide::Target& target);

 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::Store* op) override;
  Halide::Expr visit(const Halide::Internal::Add* op) override;
  Halide::Expr visit(const Halide::Internal::Sub* op) override;
  Halide::Expr visit(const Halide::Internal::Mul* op) override;
  Halide::Expr visit(const Halide::Internal::Div* op) override;
  Halide::Expr visit(const Halide::Internal::VectorReduce* op) override;
  using IRMutator::visit;

 private:
  const bool has_fma_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_ROUNDING_H_
