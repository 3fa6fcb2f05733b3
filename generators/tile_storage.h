// Register tiles that stay in registers, whatever stands around them.
#ifndef KILN_GENERATORS_TILE_STORAGE_H_
#define KILN_GENERATORS_TILE_STORAGE_H_

#include <map>
#include <string>

#include "Halide.h"

namespace kiln {

// A custom lowering pass over the tiles on the stack (MemoryType::Stack) whose
// stores all have one width. Loads of several such vectors become as many
// loads, and the allocation's type becomes a vector of that width, since Halide
// lets allocations of one type share stack slots. So LLVM sees accesses of one
// width to each slot and keeps vectors of that width. Where widths mix, it may
// build wider ones, by blends that part an addition from its product: they are
// then not contracted to a multiply-add, and whether widths mix depends on what
// shares the slot.
class TileStoragePass : public Halide::Internal::IRMutator {
 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::Allocate* op) override;
  Halide::Expr visit(const Halide::Internal::Load* op) override;
  using IRMutator::visit;

 private:
  std::map<std::string, int> lanes_;  // of the stores to a tile in scope
};

}  // namespace kiln

#endif  // KILN_GENERATORS_TILE_STORAGE_H_
