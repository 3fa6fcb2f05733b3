// The static memory plan: every heap allocation of a lowered pipeline becomes
// an offset into one workspace.
#ifndef KILN_GENERATORS_WORKSPACE_H_
#define KILN_GENERATORS_WORKSPACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/workspace_plan.h"

namespace kiln {

// Allocations outside all loops stay on the stack as long as they take this
// together, the smallest first; the workspace has the others. Inside loops
// (register tiles, mostly) Halide's own limit holds, 16 KiB each. So the stack
// that a pipeline takes does not grow with its layers.
constexpr int64_t kRootStackBytes = 16 * 1024;

// A custom lowering pass: chooses the allocations that go to the workspace,
// plans them, and points them into the pipeline's `workspace` argument. An
// allocation of unknown size stays with halide_malloc and is listed in
// `unplanned`; Kiln's own schedules have none.
//
// Two allocations share bytes only where one's Free comes before the other's
// Allocate. The Free calls an external function, which keeps LLVM from moving
// loads and stores past it, though it knows that different buffers never alias.
class WorkspacePass : public Halide::Internal::IRMutator {
 public:
  explicit WorkspacePass(int64_t root_stack_bytes = kRootStackBytes)
      : root_stack_bytes_(root_stack_bytes) {}
  Halide::Internal::Stmt mutate(const Halide::Internal::Stmt& stmt) override;
  using IRMutator::mutate;

  const WorkspacePlan& plan() const { return plan_; }
  const std::vector<std::string>& unplanned() const { return unplanned_; }

 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::Allocate* op) override;
  using IRMutator::visit;

 private:
  const int64_t root_stack_bytes_;
  bool is_planned_ = false;
  // Of each allocation in program order, its place in the plan or -1.
  std::vector<int> planned_;
  size_t next_ = 0;
  WorkspacePlan plan_;
  std::vector<std::string> unplanned_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_WORKSPACE_H_
