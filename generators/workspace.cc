#include "generators/workspace.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kiln {

using Halide::Expr;
using Halide::MemoryType;
using Halide::Type;
using namespace Halide::Internal;

namespace {

constexpr int64_t kStackLimit =
    16 * 1024;  // what Halide keeps on the stack without being asked

// Whatever a vector load may read beyond the elements included.
int64_t BytesOf(const Allocate* op) {
  const int64_t elements = op->constant_allocation_size();
  return elements == 0
             ? 0
             : (elements + op->padding) * op->type.bytes() * op->type.lanes();
}

enum class Place { kHeap, kRootStack, kTileStack, kGiven };

// Where Halide would put it.
Place PlaceOf(const Allocate* op, int loops) {
  if (op->new_expr.defined()) return Place::kGiven;
  const int64_t bytes = BytesOf(op);
  const bool is_auto = op->memory_type == MemoryType::Auto;
  if (op->memory_type == MemoryType::Heap ||
      (is_auto && (bytes == 0 || bytes > kStackLimit)))
    return Place::kHeap;
  return is_auto && loops == 0 ? Place::kRootStack : Place::kTileStack;
}

// Numbers the statements in program order and notes between which of them each
// allocation lives, whether in the workspace or on the stack.
class CollectLifetimes : public IRVisitor {
 public:
  struct Found {
    PlannedAllocation allocation;
    Place place;
    Type type;
  };
  std::vector<Found> found;  // in program order

 private:
  using IRVisitor::visit;

  void visit(const Allocate* op) override {
    const size_t slot = found.size();
    found.push_back({{op->name, BytesOf(op), 0, ++time_, -1},
                     PlaceOf(op, loops_),
                     op->type});
    IRVisitor::visit(op);
    if (found[slot].allocation.last < 0) found[slot].allocation.last = ++time_;
  }

  void visit(const Free* op) override {
    ++time_;
    for (auto entry = found.rbegin(); entry != found.rend(); ++entry) {
      if (entry->allocation.name != op->name) continue;
      if (entry->allocation.last < 0) entry->allocation.last = time_;
      return;
    }
  }

  void visit(const Store* op) override {
    ++time_;
    IRVisitor::visit(op);
  }

  void visit(const For* op) override {
    ++loops_;
    IRVisitor::visit(op);
    --loops_;
  }

  int time_ = 0;
  int loops_ = 0;
};

// The smallest root allocations that fit the stack together, the rest to the
// workspace.
void BoundRootStack(int64_t limit,
                    std::vector<CollectLifetimes::Found>* found) {
  std::vector<CollectLifetimes::Found*> small;
  for (auto& entry : *found) {
    if (entry.place == Place::kRootStack) small.push_back(&entry);
  }
  std::stable_sort(small.begin(), small.end(), [](auto* a, auto* b) {
    return a->allocation.bytes < b->allocation.bytes;
  });
  int64_t bytes = 0;
  for (auto* entry : small) {
    bytes += entry->allocation.bytes;
    if (bytes > limit) entry->place = Place::kHeap;
  }
}

// Halide gives an allocation the first freed stack slot of its type that is
// large enough, and otherwise a new one.
int64_t StackBytes(const std::vector<CollectLifetimes::Found>& found) {
  struct Slot {
    Type type;
    int64_t bytes;
    int free_after;
  };
  std::vector<Slot> slots;
  int64_t total = 0;
  for (const auto& [allocation, place, type] : found) {
    if (place != Place::kRootStack && place != Place::kTileStack) continue;
    const auto slot = std::find_if(
        slots.begin(), slots.end(),
        [&, &type = type, &allocation = allocation](const Slot& s) {
          return s.type == type && s.bytes >= allocation.bytes &&
                 s.free_after < allocation.first;
        });
    if (slot != slots.end()) {
      slot->free_after = allocation.last;
    } else {
      slots.push_back({type, allocation.bytes, allocation.last});
      total += allocation.bytes;
    }
  }
  return total;
}

}  // namespace

Stmt WorkspacePass::mutate(const Stmt& stmt) {
  if (!is_planned_) {
    is_planned_ = true;
    CollectLifetimes lifetimes;
    stmt.accept(&lifetimes);
    BoundRootStack(root_stack_bytes_, &lifetimes.found);
    std::vector<PlannedAllocation> allocations;
    for (const auto& [allocation, place, type] : lifetimes.found) {
      const bool is_planned = place == Place::kHeap && allocation.bytes > 0;
      if (place == Place::kHeap && !is_planned)
        unplanned_.push_back(allocation.name);
      planned_.push_back(is_planned ? static_cast<int>(allocations.size())
                                    : -1);
      if (is_planned) allocations.push_back(allocation);
    }
    plan_ = PlanWorkspace(std::move(allocations));
    plan_.stack_bytes = StackBytes(lifetimes.found);
  }
  return IRMutator::mutate(stmt);
}

// Visits in the order in which the lifetimes were collected.
Stmt WorkspacePass::visit(const Allocate* op) {
  const int planned = planned_[next_++];
  const Stmt body = mutate(op->body);
  if (planned < 0) {
    return Allocate::make(op->name, op->type, op->memory_type, op->extents,
                          op->condition, body, op->new_expr, op->free_function,
                          op->padding);
  }
  const Type pointer = Halide::type_of<void*>();
  const Expr workspace = Variable::make(pointer, "workspace");
  const Expr address = Halide::reinterpret(
      pointer,
      Halide::reinterpret<uint64_t>(workspace) +
          Expr(static_cast<uint64_t>(plan_.allocations[planned].offset)));
  // Without the padding, which Halide refuses here: the plan has its bytes.
  return Allocate::make(op->name, op->type, MemoryType::Heap, op->extents,
                        op->condition, body, address,
                        "halide_device_host_nop_free", /*padding=*/0);
}

}  // namespace kiln
