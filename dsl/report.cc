#include "dsl/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/analysis.h"
#include "dsl/differentiate.h"
#include "dsl/ops/parameter.h"
#include "dsl/passes.h"

namespace kiln {
namespace {

constexpr int64_t kFloatBytes = 4;

int64_t ValuesOf(const Graph& graph, bool per_sample) {
  int64_t values = 0;
  for (const Node& node : graph.nodes()) {
    if (node.type.per_sample == per_sample)
      values += ElementCount(node.type.shape);
  }
  return values;
}

bool IsFrozen(const Node& node) {
  const auto* parameter = dynamic_cast<const ParameterOp*>(node.op.get());
  return parameter != nullptr && parameter->spec().frozen &&
         !parameter->spec().buffer;  // state has no gradient to save
}

std::string SavedText(const AdjointCost& cost) {
  std::vector<std::string> parts;
  if (cost.flops > 0)
    parts.push_back(absl::StrCat(Thousands(cost.flops), " FLOPs a sample"));
  if (cost.bytes > 0)
    parts.push_back(absl::StrCat(Thousands(cost.bytes), " bytes a sample"));
  if (cost.gradient_bytes > 0) {
    parts.push_back(
        absl::StrCat(Thousands(cost.gradient_bytes), " bytes of gradient"));
  }
  return Listed(parts);
}

}  // namespace

absl::StatusOr<AdjointCost> CostOfAdjoint(const Graph& forward,
                                          const std::string& name) {
  const Graph merged = EliminateCommonSubexpressions(forward);
  absl::StatusOr<Graph> without = Differentiate(merged);
  if (!without.ok()) return without.status();
  absl::StatusOr<Graph> with = Differentiate(merged, {name});
  if (!with.ok()) return with.status();
  // Dead code is left in both: the adjoint of a source is read by nothing.
  const Graph less = EliminateCommonSubexpressions(*without),
              more = EliminateCommonSubexpressions(*with);
  return AdjointCost{
      CountFlops(more).all - CountFlops(less).all,
      kFloatBytes * (ValuesOf(more, true) - ValuesOf(less, true)),
      kFloatBytes * (ValuesOf(more, false) - ValuesOf(less, false))};
}

std::vector<DroppedPreactivation> DroppedPreactivations(const Graph& forward,
                                                        const Graph& training) {
  const std::vector<std::vector<NodeId>> users = training.Users();
  std::vector<bool> is_output(training.size());
  for (const Output& output : training.outputs()) is_output[output.node] = true;
  std::vector<DroppedPreactivation> dropped;
  for (NodeId id = 0; id < training.size(); ++id) {
    const Node& activation = training.node(id);
    if (activation.op->name() != "pointwise" || activation.inputs.size() != 1 ||
        !forward.HasName(activation.name))
      continue;
    const NodeId before = activation.inputs[0];
    const bool is_layer = !training.node(before).inputs.empty();
    const bool has_adjoint =
        training.HasName(absl::StrCat(activation.name, ".d_input"));
    const bool is_read_once = users[before].size() == 1 && !is_output[before];
    if (is_layer && has_adjoint && is_read_once) {
      dropped.push_back({activation.name, ElementCount(activation.type.shape)});
    }
  }
  return dropped;
}

absl::StatusOr<Notes> ReportBackward(const Graph& forward,
                                     const Graph& training) {
  Notes notes;
  std::vector<std::string> activations;
  int64_t values = 0;
  for (const DroppedPreactivation& d :
       DroppedPreactivations(forward, training)) {
    activations.push_back(absl::StrCat(d.activation, " (", Thousands(d.values),
                                       activations.empty() ? " values" : "",
                                       ")"));
    values += d.values;
  }
  if (!activations.empty()) {
    notes.push_back(absl::StrCat(
        "backward keeps no pre-activation of ", Listed(activations), ": ",
        Thousands(kFloatBytes * values), " bytes a sample less"));
  }
  for (const Node& node : forward.nodes()) {
    const bool is_input = node.op->name() == "input";
    if (!is_input && !IsFrozen(node)) continue;
    absl::StatusOr<AdjointCost> cost = CostOfAdjoint(forward, node.name);
    if (!cost.ok()) return cost.status();
    const std::string saved = SavedText(*cost);
    if (saved.empty()) continue;  // the loss does not depend on it
    notes.push_back(
        is_input ? absl::StrCat("gradient of input ", node.name,
                                " not computed: saves ", saved)
                 : absl::StrCat("frozen ", node.name, ": saves ", saved));
  }
  return notes;
}

}  // namespace kiln
