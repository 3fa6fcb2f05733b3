// Transposes blocks of vectors by a few shuffles of two vectors each.
#ifndef KILN_GENERATORS_TRANSPOSE_PASS_H_
#define KILN_GENERATORS_TRANSPOSE_PASS_H_

#include "Halide.h"

namespace kiln {

// A custom lowering pass: where vectors are stored interleaved, which
// transposes them, it says how. Left to LLVM, the shuffle of 16 vectors of 16
// floats becomes 169 instructions, each with a mask of 64 bytes that is loaded.
// Here four rows and those that follow them make up vectors of words of four
// columns each, loaded in parts, and 8 shuffles without masks transpose these
// in all groups of 128 bits: 32 for 16 columns. Elements of a byte or two lie
// several in a word, so that they take less, and are shifted out of it. Powers
// of two of rows, at least four, and columns of whole groups; rows of several
// groups must be loads. The same bits are stored either way.
class TransposePass : public Halide::Internal::IRMutator {
 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::Store* op) override;
  using IRMutator::visit;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_TRANSPOSE_PASS_H_
