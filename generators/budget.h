// Memory budgets: what of a pipeline is recomputed, and which block it takes,
// so that its memory stays within bounds.
#ifndef KILN_GENERATORS_BUDGET_H_
#define KILN_GENERATORS_BUDGET_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "Halide.h"
#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "dsl/rewrite.h"
#include "generators/arguments.h"
#include "generators/workspace_plan.h"

namespace kiln {

// How a pipeline is emitted within its budget.
struct BudgetFit {
  PipelineOptions options;        // as asked for, but perhaps a smaller block
  std::set<std::string> dropped;  // RecomputeInBackward's
  int64_t root_stack_bytes = 0;   // WorkspacePass's
  WorkspacePlan plan;
  WorkspacePlan unlimited;  // as it would be without a budget
  int64_t extra_flops = 0;  // a sample
};

// Workspace and stack: what a call takes beside its arguments.
int64_t MemoryOf(const WorkspacePlan& plan);

// Lowers the pipeline, without compiling it, and plans its memory. `graph` is a
// PipelineGraph. Fails with what Halide says.
absl::StatusOr<WorkspacePlan> PlanPipeline(const Graph& graph,
                                           const PipelineOptions& options,
                                           const Halide::Target& target,
                                           int64_t root_stack_bytes);

// The first that fits of: the pipeline as it is; all of its stages in the
// workspace; recomputing more and more (grad and step); and all of this for
// blocks of a half, a quarter, ... 1 sample, unless training needs the whole
// batch in one block. ResourceExhausted when none does. `training` is the whole
// training graph.
absl::StatusOr<BudgetFit> FitBudget(const Graph& training,
                                    const PipelineOptions& asked,
                                    int64_t budget,
                                    const Halide::Target& target);

// The smallest budget within which FitBudget finds a fit for each of these.
absl::StatusOr<int64_t> SmallestBudget(
    const Graph& training, const std::vector<PipelineOptions>& pipelines,
    const Halide::Target& target);

// What the compiler did to fit, for `summary`; nothing if it did nothing.
Notes BudgetNotes(const std::string& function, const PipelineOptions& asked,
                  int64_t budget, const BudgetFit& fit);

}  // namespace kiln

#endif  // KILN_GENERATORS_BUDGET_H_
