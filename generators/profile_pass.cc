#include "generators/profile_pass.h"

namespace kiln {

using namespace Halide::Internal;

namespace {

class Producers : public IRVisitor {
 public:
  std::vector<std::string> names;

 protected:
  using IRVisitor::visit;
  void visit(const ProducerConsumer* op) override {
    if (op->is_producer) names.push_back(op->name);
    IRVisitor::visit(op);
  }
};

}  // namespace

Stmt ProfilePass::visit(const ProducerConsumer* op) {
  if (!op->is_producer) return IRMutator::visit(op);
  const int stage = static_cast<int>(stages_.size());
  stages_.push_back(op->name);
  Producers inside;
  Stmt(op).accept(&inside);
  parts_.push_back(std::move(inside.names));
  const Stmt mark = Evaluate::make(
      Call::make(Halide::Int(32), "kiln_profile_mark", {stage}, Call::Extern));
  return ProducerConsumer::make_produce(op->name, Block::make(mark, op->body));
}

// Stages inside loops belong to the stage whose loops they are.
Stmt ProfilePass::visit(const For* op) { return op; }

}  // namespace kiln
