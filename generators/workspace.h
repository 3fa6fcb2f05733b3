// The static memory plan: every heap allocation of a lowered pipeline becomes
// an offset into one workspace.
#ifndef KILN_GENERATORS_WORKSPACE_H_
#define KILN_GENERATORS_WORKSPACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "Halide.h"

namespace kiln {

struct PlannedAllocation {
  std::string name;
  int64_t bytes = 0;
  int64_t offset = 0;
  // Statements between which it lives, in program order.
  int first = 0;
  int last = 0;
};

struct WorkspacePlan {
  int64_t bytes =
      0;  // size of the workspace, a multiple of kWorkspaceAlignment
  std::vector<PlannedAllocation> allocations;
};

constexpr int64_t kWorkspaceAlignment =
    128;  // of every offset; no vector register is wider

// Places allocations so that those alive together do not overlap: largest
// first, each at the lowest free offset.
WorkspacePlan PlanWorkspace(std::vector<PlannedAllocation> allocations);

// A custom lowering pass: finds the allocations Halide would take from the heap
// (larger than its 16 KiB limit for the stack, constant in size), plans them,
// and points them into the pipeline's `workspace` argument. An allocation of
// unknown size stays with halide_malloc and is listed in `unplanned`; Kiln's
// own schedules have none.
class WorkspacePass : public Halide::Internal::IRMutator {
 public:
  Halide::Internal::Stmt mutate(const Halide::Internal::Stmt& stmt) override;
  using IRMutator::mutate;

  const WorkspacePlan& plan() const { return plan_; }
  const std::vector<std::string>& unplanned() const { return unplanned_; }

 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::Allocate* op) override;
  using IRMutator::visit;

 private:
  bool is_planned_ = false;
  WorkspacePlan plan_;
  std::vector<std::string> unplanned_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_WORKSPACE_H_
