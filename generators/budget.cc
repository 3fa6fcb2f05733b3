#include "generators/budget.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/analysis.h"
#include "dsl/evaluation_form.h"
#include "dsl/recompute.h"
#include "generators/pipeline.h"
#include "generators/tile_storage.h"
#include "generators/workspace.h"

namespace kiln {

namespace {

bool IsTraining(PipelineKind kind) {
  return kind == PipelineKind::kGrad || kind == PipelineKind::kStep;
}

// The ways to emit one pipeline, in order of preference: a block, and a level
// of recomputation.
class Candidates {
 public:
  Candidates(const Graph& training, const PipelineOptions& asked,
             const Halide::Target& target)
      : graph_(PipelineGraph(training, asked.kind)),
        asked_(asked),
        target_(target) {
    levels_ = IsTraining(asked.kind) ? RecomputeLevels(graph_)
                                     : std::vector<RecomputeLevel>(1);
    blocks_ = {asked.block};
    const bool whole_batch = IsTraining(asked.kind) && NeedsWholeBatch(graph_);
    while (!whole_batch && blocks_.back() > 1)
      blocks_.push_back(blocks_.back() / 2);
  }

  absl::StatusOr<BudgetFit> First(int64_t budget) {
    absl::StatusOr<BudgetFit> as_it_is =
        Try(asked_.block, levels_[0], kRootStackBytes);
    if (!as_it_is.ok() || MemoryOf(as_it_is->plan) <= budget) return as_it_is;
    unlimited_ = as_it_is->plan;
    for (int block : blocks_) {
      for (const RecomputeLevel& level : levels_) {
        // A lowering takes a moment: the hopeless are left out at first.
        if (level.peak_bytes * block > budget + budget / 4) continue;
        absl::StatusOr<BudgetFit> fit = Try(block, level, 0);
        if (!fit.ok() || MemoryOf(fit->plan) <= budget) return fit;
      }
    }
    absl::StatusOr<BudgetFit> least = Least();
    if (!least.ok() || MemoryOf(least->plan) <= budget) return least;
    return absl::ResourceExhaustedError("does not fit");
  }

  // Of the smallest block, the level that takes the least.
  absl::StatusOr<BudgetFit> Least() {
    absl::StatusOr<BudgetFit> least = Try(blocks_.back(), levels_[0], 0);
    for (size_t i = 1; least.ok() && i < levels_.size(); ++i) {
      absl::StatusOr<BudgetFit> fit = Try(blocks_.back(), levels_[i], 0);
      if (!fit.ok() || MemoryOf(fit->plan) < MemoryOf(least->plan))
        least = std::move(fit);
    }
    return least;
  }

 private:
  absl::StatusOr<BudgetFit> Try(int block, const RecomputeLevel& level,
                                int64_t root_stack_bytes) const {
    BudgetFit fit{asked_, level.dropped, root_stack_bytes, {}, unlimited_};
    fit.options.block = block;
    const absl::StatusOr<Graph> graph =
        RecomputeInBackward(graph_, level.dropped);
    if (!graph.ok()) return graph.status();
    fit.extra_flops = CountFlops(*graph).all - CountFlops(graph_).all;
    absl::StatusOr<WorkspacePlan> plan =
        PlanPipeline(*graph, fit.options, target_, root_stack_bytes);
    if (!plan.ok()) return plan.status();
    fit.plan = *std::move(plan);
    return fit;
  }

  const Graph graph_;
  const PipelineOptions asked_;
  const Halide::Target target_;
  std::vector<RecomputeLevel> levels_;
  std::vector<int> blocks_;
  WorkspacePlan unlimited_;
};

}  // namespace

int64_t MemoryOf(const WorkspacePlan& plan) {
  return plan.bytes + plan.stack_bytes;
}

absl::StatusOr<WorkspacePlan> PlanPipeline(const Graph& graph,
                                           const PipelineOptions& options,
                                           const Halide::Target& target,
                                           int64_t root_stack_bytes) {
  if (graph.outputs().empty()) return WorkspacePlan{};  // nothing to prepare
  const std::vector<Argument> arguments = ListArguments(graph, options);
  try {
    JitInputs inputs(arguments);
    std::vector<Halide::Func> funcs =
        BuildPipeline(graph, options, target, inputs);
    size_t next = 0;
    for (const Argument& argument : arguments) {
      if (!IsOutput(argument)) continue;
      Halide::OutputImageParam buffer = funcs[next++].output_buffer();
      Constrain(buffer, argument);
    }
    Halide::Pipeline pipeline(funcs);
    if (options.schedule == Schedule::kFast)
      pipeline.add_custom_lowering_pass(new TileStoragePass);
    auto* pass = new WorkspacePass(root_stack_bytes);  // the pipeline's own
    pipeline.add_custom_lowering_pass(pass);
    std::vector<Halide::Argument> inferred = pipeline.infer_arguments();
    inferred.push_back(Halide::Param<void*>("workspace"));
    pipeline.compile_to_module(inferred, "plan", target);
    return pass->plan();
  } catch (const Halide::Error& error) {
    return absl::InternalError(error.what());
  }
}

absl::StatusOr<BudgetFit> FitBudget(const Graph& training,
                                    const PipelineOptions& asked,
                                    int64_t budget,
                                    const Halide::Target& target) {
  return Candidates(training, asked, target).First(budget);
}

absl::StatusOr<int64_t> SmallestBudget(
    const Graph& training, const std::vector<PipelineOptions>& pipelines,
    const Halide::Target& target) {
  int64_t smallest = 0;
  for (const PipelineOptions& asked : pipelines) {
    const absl::StatusOr<BudgetFit> least =
        Candidates(training, asked, target).Least();
    if (!least.ok()) return least.status();
    smallest = std::max(smallest, MemoryOf(least->plan));
  }
  return smallest;
}

Notes BudgetNotes(const std::string& function, const PipelineOptions& asked,
                  int64_t budget, const BudgetFit& fit) {
  std::vector<std::string> done;
  if (!fit.dropped.empty()) {
    done.push_back(absl::StrCat(
        "the backward pass computes ",
        Listed({fit.dropped.begin(), fit.dropped.end()}), " again (",
        Thousands(fit.extra_flops), " FLOPs a sample)"));
  }
  if (fit.options.block != asked.block) {
    done.push_back(absl::StrCat("blocks of ", fit.options.block, " instead of ",
                                asked.block));
  }
  if (fit.root_stack_bytes == 0) {
    done.push_back(absl::StrCat("every stage is in the workspace"));
  }
  if (done.empty()) return {};
  return {absl::StrCat(function, ": within ", Thousands(budget), " bytes, ",
                       Thousands(MemoryOf(fit.plan)), " instead of ",
                       Thousands(MemoryOf(fit.unlimited)), ": ", Listed(done))};
}

}  // namespace kiln
