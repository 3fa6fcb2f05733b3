#include "dsl/prepare.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/collapse_dense.h"
#include "dsl/evaluation_form.h"
#include "dsl/fold_affine.h"
#include "dsl/fold_constants.h"
#include "dsl/ops/prepared.h"
#include "dsl/passes.h"

namespace kiln {
namespace {

// For each node, whether no sample influences it.
std::vector<bool> DependOnParametersAlone(const Graph& graph) {
  std::vector<bool> alone(graph.size());
  for (NodeId id = 0; id < graph.size(); ++id) {
    alone[id] = !graph.node(id).type.per_sample;
    // Statistics of a batch are of no single sample, and yet of samples.
    for (NodeId input : graph.node(id).inputs)
      alone[id] = alone[id] && alone[input];
  }
  return alone;
}

}  // namespace

PreparedSplit SplitPrepare(const Graph& graph) {
  const std::vector<bool> alone = DependOnParametersAlone(graph);
  std::vector<bool> is_cut(graph.size());
  auto cut = [&](NodeId id) {
    if (alone[id] && !graph.node(id).inputs.empty()) is_cut[id] = true;
  };
  for (NodeId id = 0; id < graph.size(); ++id) {
    if (alone[id]) continue;
    for (NodeId input : graph.node(id).inputs) cut(input);
  }
  for (const Output& output : graph.outputs()) cut(output.node);

  Graph prepare = graph.WithoutOutputs();
  Rewriter infer(graph);
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (!is_cut[id]) {
      infer.Copy(id);
      continue;
    }
    prepare.AddOutput(OutputKind::kPrepared, node.name, id);
    infer.Replace(id, infer.Add(std::make_shared<PreparedOp>(node.type.shape),
                                {}, node.name, node.where));
  }
  return {EliminateDeadCode(prepare), infer.Finish()};
}

absl::StatusOr<InferencePlan> PlanInference(const Graph& graph) {
  InferencePlan plan;
  plan.folded = EvaluationForm(KeepOutputs(graph, {OutputKind::kHead}));
  absl::Status status = Verify(plan.folded);
  for (Rewritten (*pass)(const Graph&) :
       {FoldConstants, RemoveIdentities, FoldChannelAffine, CollapseDense}) {
    if (!status.ok()) return status;
    Rewritten rewritten = pass(plan.folded);
    plan.folded = std::move(rewritten.graph);
    for (const std::string& note : rewritten.notes)
      plan.notes.push_back(absl::StrCat("inference: ", note));
    status = Verify(plan.folded);
  }
  PreparedSplit split = SplitPrepare(plan.folded);
  plan.prepare = std::move(split.prepare);
  plan.infer = std::move(split.infer);
  status.Update(Verify(plan.prepare));
  status.Update(Verify(plan.infer));
  if (!status.ok()) return status;
  return plan;
}

}  // namespace kiln
