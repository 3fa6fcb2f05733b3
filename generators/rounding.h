// Every operation rounds as it is written.
#ifndef KILN_GENERATORS_ROUNDING_H_
#define KILN_GENERATORS_ROUNDING_H_

#include "Halide.h"

namespace kiln {

// A custom lowering pass, the last one, which leaves LLVM no choice of how
// float arithmetic is rounded. Halide lets it contract and reassociate whatever
// is not strict, and what LLVM does with that depends on what else stands in
// the function. Here
//  - x + a b, x - a b and a b - x become one call of llvm.fma, which rounds
//    once and is an instruction;
//  - every other addition, subtraction, multiplication and division becomes
//    strict, rounded by itself;
//  - a sum of the lanes of a vector becomes a tree of strict additions;
//  - but the multiply-adds of sums, t[i] = t[i] + a b, stay as they are: what
//    they add to comes from the iteration before, and their products, which
//    nothing else reads, are contracted. LLVM may still choose the order of
//    those that are unrolled into one sum in one iteration.
// So the bits of a node are those that its own loops say, but for that order,
// which so far has depended on nothing outside of them (tests/random_graphs).
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
