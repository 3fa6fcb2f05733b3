#include "generators/profile_pass.h"

namespace kiln {

using namespace Halide::Internal;

Stmt ProfilePass::visit(const ProducerConsumer* op) {
  if (!op->is_producer) return IRMutator::visit(op);
  const int stage = static_cast<int>(stages_.size());
  stages_.push_back(op->name);
  const Stmt mark = Evaluate::make(
      Call::make(Halide::Int(32), "kiln_profile_mark", {stage}, Call::Extern));
  return ProducerConsumer::make_produce(op->name, Block::make(mark, op->body));
}

// Stages inside loops belong to the stage whose loops they are.
Stmt ProfilePass::visit(const For* op) { return op; }

}  // namespace kiln
