// Transposes blocks of vectors by a few shuffles of two vectors each.
#ifndef KILN_GENERATORS_TRANSPOSE_PASS_H_
#define KILN_GENERATORS_TRANSPOSE_PASS_H_

#include "Halide.h"

namespace kiln {

// A custom lowering pass: where vectors are stored interleaved, which
// transposes them, it says how. Left to LLVM, the shuffle of 16 vectors of 16
// floats becomes 169 instructions, each with a mask of 64 bytes that is loaded;
// here it is 64, which need no mask. Powers of two, of elements of at most 32
// bits, at least 128 bits of rows and of columns; the same bits are stored
// either way. Of bytes, as the gather has them before it widens them, at least
// 4 rows and 16 columns, by 8 shuffles of words and a shift for each column.
class TransposePass : public Halide::Internal::IRMutator {
 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::Store* op) override;
  using IRMutator::visit;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_TRANSPOSE_PASS_H_
