#include "generators/tile_storage.h"

#include <map>
#include <string>
#include <vector>

namespace kiln {

using Halide::Expr;
using namespace Halide::Internal;

namespace {

// The width of all stores to a buffer, or 0 when they differ or are not dense.
class StoreWidth : public IRVisitor {
 public:
  explicit StoreWidth(const std::string& name) : name_(name) {}
  int lanes() const { return is_uniform_ ? lanes_ : 0; }

 private:
  using IRVisitor::visit;

  void visit(const Store* op) override {
    IRVisitor::visit(op);
    if (op->name != name_) return;
    const int lanes = op->value.type().lanes();
    const Ramp* ramp = op->index.as<Ramp>();
    const bool is_dense =
        lanes == 1 || (ramp != nullptr && is_const_one(ramp->stride));
    is_uniform_ = is_uniform_ && is_dense && (lanes_ == 0 || lanes_ == lanes);
    lanes_ = lanes;
  }

  const std::string name_;
  bool is_uniform_ = true;
  int lanes_ = 0;
};

}  // namespace

Stmt TileStoragePass::visit(const Allocate* op) {
  StoreWidth width(op->name);
  op->body.accept(&width);
  const int lanes = width.lanes();
  const int elements = op->constant_allocation_size();
  if (op->memory_type != Halide::MemoryType::Stack || op->new_expr.defined() ||
      lanes <= 1 || elements == 0 || elements % lanes != 0)
    return IRMutator::visit(op);
  lanes_[op->name] = lanes;
  const Stmt body = mutate(op->body);
  lanes_.erase(op->name);
  return Allocate::make(op->name, op->type.with_lanes(lanes), op->memory_type,
                        {elements / lanes}, op->condition, body, Expr(), "",
                        (op->padding + lanes - 1) / lanes);
}

Expr TileStoragePass::visit(const Load* op) {
  const auto tile = lanes_.find(op->name);
  const Ramp* ramp = op->index.as<Ramp>();
  const bool is_dense = ramp != nullptr && is_const_one(ramp->stride) &&
                        is_const_one(op->predicate);
  if (tile == lanes_.end() || !is_dense || op->type.lanes() <= tile->second ||
      op->type.lanes() % tile->second != 0)
    return IRMutator::visit(op);
  const int lanes = tile->second;
  std::vector<Expr> vectors;
  for (int first = 0; first < op->type.lanes(); first += lanes) {
    vectors.push_back(Load::make(
        op->type.with_lanes(lanes), op->name,
        Ramp::make(simplify(ramp->base + first), 1, lanes), op->image,
        op->param, const_true(lanes), op->alignment + first));
  }
  return Shuffle::make_concat(vectors);
}

}  // namespace kiln
