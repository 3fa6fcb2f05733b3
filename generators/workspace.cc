#include "generators/workspace.h"

#include <algorithm>

namespace kiln {

using Halide::Expr;
using Halide::MemoryType;
using Halide::Type;
using namespace Halide::Internal;

namespace {

constexpr int64_t kStackLimit =
    16 * 1024;  // what Halide keeps on the stack without being asked

int64_t RoundUp(int64_t bytes) {
  return (bytes + kWorkspaceAlignment - 1) / kWorkspaceAlignment *
         kWorkspaceAlignment;
}

bool IsHeap(const Allocate* op) {
  if (op->new_expr.defined()) return false;
  if (op->memory_type == MemoryType::Heap) return true;
  if (op->memory_type != MemoryType::Auto) return false;
  const int64_t bytes =
      static_cast<int64_t>(op->constant_allocation_size()) * op->type.bytes();
  return bytes == 0 || bytes > kStackLimit;
}

// Numbers the statements in program order and notes between which of them each
// allocation lives.
class CollectLifetimes : public IRVisitor {
 public:
  std::vector<PlannedAllocation> allocations;
  std::vector<std::string> unplanned;

 private:
  using IRVisitor::visit;

  void visit(const Allocate* op) override {
    if (!IsHeap(op)) return IRVisitor::visit(op);
    const int64_t bytes =
        static_cast<int64_t>(op->constant_allocation_size()) * op->type.bytes();
    if (bytes == 0) {
      unplanned.push_back(op->name);
      return IRVisitor::visit(op);
    }
    const size_t slot = allocations.size();
    allocations.push_back({op->name, bytes, 0, ++time_, -1});
    IRVisitor::visit(op);
    if (allocations[slot].last < 0) allocations[slot].last = ++time_;
  }

  void visit(const Free* op) override {
    ++time_;
    for (PlannedAllocation& allocation : allocations) {
      if (allocation.name == op->name && allocation.last < 0)
        allocation.last = time_;
    }
  }

  void visit(const Store* op) override {
    ++time_;
    IRVisitor::visit(op);
  }

  int time_ = 0;
};

}  // namespace

WorkspacePlan PlanWorkspace(std::vector<PlannedAllocation> allocations) {
  std::vector<PlannedAllocation*> by_size;
  for (PlannedAllocation& allocation : allocations)
    by_size.push_back(&allocation);
  std::stable_sort(
      by_size.begin(), by_size.end(),
      [](const auto* a, const auto* b) { return a->bytes > b->bytes; });

  WorkspacePlan plan;
  std::vector<const PlannedAllocation*> placed;  // sorted by offset
  for (PlannedAllocation* allocation : by_size) {
    int64_t offset = 0;
    for (const PlannedAllocation* other : placed) {
      const bool alive_together =
          allocation->first <= other->last && other->first <= allocation->last;
      if (!alive_together) continue;
      if (offset + allocation->bytes <= other->offset) break;
      offset = std::max(offset, RoundUp(other->offset + other->bytes));
    }
    allocation->offset = offset;
    plan.bytes = std::max(plan.bytes, RoundUp(offset + allocation->bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), allocation,
                                   [](const auto* a, const auto* b) {
                                     return a->offset < b->offset;
                                   }),
                  allocation);
  }
  plan.allocations = std::move(allocations);
  return plan;
}

Stmt WorkspacePass::mutate(const Stmt& stmt) {
  if (!is_planned_) {
    is_planned_ = true;
    CollectLifetimes lifetimes;
    stmt.accept(&lifetimes);
    plan_ = PlanWorkspace(std::move(lifetimes.allocations));
    unplanned_ = std::move(lifetimes.unplanned);
  }
  return IRMutator::mutate(stmt);
}

Stmt WorkspacePass::visit(const Allocate* op) {
  const Stmt body = mutate(op->body);
  const auto planned = std::find_if(
      plan_.allocations.begin(), plan_.allocations.end(),
      [&](const PlannedAllocation& a) { return a.name == op->name; });
  if (!IsHeap(op) || planned == plan_.allocations.end()) {
    return Allocate::make(op->name, op->type, op->memory_type, op->extents,
                          op->condition, body, op->new_expr, op->free_function,
                          op->padding);
  }
  const Type pointer = Halide::type_of<void*>();
  const Expr workspace = Variable::make(pointer, "workspace");
  const Expr address = Halide::reinterpret(
      pointer, Halide::reinterpret<uint64_t>(workspace) +
                   Expr(static_cast<uint64_t>(planned->offset)));
  return Allocate::make(op->name, op->type, op->memory_type, op->extents,
                        op->condition, body, address,
                        "halide_device_host_nop_free", op->padding);
}

}  // namespace kiln
