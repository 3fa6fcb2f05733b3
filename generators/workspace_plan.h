// Placing allocations in one workspace: which bytes each takes while it lives.
#ifndef KILN_GENERATORS_WORKSPACE_PLAN_H_
#define KILN_GENERATORS_WORKSPACE_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kiln {

struct PlannedAllocation {
  std::string name;
  int64_t bytes = 0;
  int64_t offset = 0;
  // Statements between which it lives, in program order, both included.
  int first = 0;
  int last = 0;
};

struct WorkspacePlan {
  int64_t bytes = 0;  // of the workspace, a multiple of kWorkspaceAlignment
  // The largest sum of bytes alive at one time: no placement takes less.
  int64_t lower_bound = 0;
  // What the pipeline has on the stack beside it, spilled registers aside.
  int64_t stack_bytes = 0;
  std::vector<PlannedAllocation> allocations;
};

constexpr int64_t kWorkspaceAlignment =
    64;  // of every offset, as of the workspace itself; a cache line, and no
         // vector register is wider

// The lower bound of any plan.
int64_t LivenessLowerBound(const std::vector<PlannedAllocation>& allocations);

// Places allocations so that those alive together do not overlap. Optimal
// placement is NP-hard (Garey and Johnson's "dynamic storage allocation"):
// several orders are tried, each allocation at the lowest free offset, and then
// what stands highest is placed earlier, until the lower bound is met or
// nothing is gained. The same input always gives the same plan.
WorkspacePlan PlanWorkspace(std::vector<PlannedAllocation> allocations);

}  // namespace kiln

#endif  // KILN_GENERATORS_WORKSPACE_PLAN_H_
