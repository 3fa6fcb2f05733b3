#include "dsl/differentiate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/ops/parameter.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/sample_weight.h"

namespace kiln {
namespace {

bool IsTrainable(const Node& node) {
  const auto* parameter = dynamic_cast<const ParameterOp*>(node.op.get());
  return parameter != nullptr && !parameter->spec().frozen;
}

// For each node, whether a trainable parameter influences it: only then is its
// adjoint of use.
std::vector<bool> InfluencedByParameters(const Graph& graph,
                                         const std::set<std::string>& also) {
  std::vector<bool> influenced(graph.size());
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    influenced[id] = IsTrainable(node) || also.count(node.name) > 0;
    for (NodeId input : graph.node(id).inputs)
      influenced[id] = influenced[id] || influenced[input];
  }
  return influenced;
}

}  // namespace

// Walks the forward nodes backwards and keeps, for each, the contributions to
// its adjoint so far.
class Differentiator {
 public:
  Differentiator(Graph graph, const std::set<std::string>& also)
      : graph_(std::move(graph)),
        needs_(InfluencedByParameters(graph_, also)),
        contributions_(graph_.size()) {}

  absl::StatusOr<Graph> Run() {
    const NodeId loss = graph_.Loss();
    if (loss < 0)
      return absl::InvalidArgumentError(
          "the model has no loss to differentiate");
    const int forward_size = graph_.size();
    absl::StatusOr<NodeId> seed =
        graph_.Add(std::make_shared<SampleWeightOp>(), {},
                   graph_.UniqueName("sample_weight"), graph_.node(loss).where);
    if (!seed.ok()) return seed.status();
    contributions_[loss].push_back(*seed);

    for (NodeId id = forward_size - 1; id >= 0; --id) {
      if (!needs_[id] || contributions_[id].empty()) continue;
      absl::StatusOr<NodeId> adjoint = SumContributions(id);
      if (!adjoint.ok()) return adjoint.status();
      Record(id, *adjoint);
      contributions_[id] = {*adjoint};
      if (absl::Status status = Propagate(id, *adjoint); !status.ok())
        return status;
    }
    if (absl::Status status = AddGradientOutputs(forward_size); !status.ok())
      return status;
    return std::move(graph_);
  }

  const Adjoints& adjoints() const { return adjoints_; }

 private:
  // A node that is the adjoint of several (it passes through an addition) is
  // known as that of the one met first, the nearest to the loss.
  void Record(NodeId id, NodeId adjoint) {
    const std::string& of = graph_.node(id).name;
    for (NodeId part : contributions_[id]) {
      adjoints_.emplace(graph_.node(part).name,
                        Adjoint{of, /*is_part=*/part != adjoint});
    }
    adjoints_.emplace(graph_.node(adjoint).name, Adjoint{of});
  }

  absl::StatusOr<NodeId> SumContributions(NodeId id) {
    const std::vector<NodeId>& terms = contributions_[id];
    if (terms.size() == 1) return terms[0];
    ScalarExpr sum = Arg(0);
    for (size_t i = 1; i < terms.size(); ++i)
      sum = sum + Arg(static_cast<int>(i));
    const Node& node = graph_.node(id);
    return graph_.Add(std::make_shared<PointwiseOp>("add", sum), terms,
                      graph_.UniqueName(absl::StrCat("d_", node.name)),
                      node.where);
  }

  absl::Status Propagate(NodeId id, NodeId adjoint) {
    const OpPtr op =
        graph_.node(id).op;  // adding nodes may move the node itself
    GradientBuilder gradient(graph_, needs_, id, adjoint);
    op->BuildGradient(gradient);
    if (!gradient.status_.ok()) return gradient.status_;
    for (const auto& [to, value] : gradient.contributions_)
      contributions_[to].push_back(value);
    return absl::OkStatus();
  }

  absl::Status AddGradientOutputs(int forward_size) {
    for (NodeId id = 0; id < forward_size; ++id) {
      const Node& node = graph_.node(id);
      if (!IsTrainable(node)) continue;
      if (contributions_[id].empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            ErrorPrefix(node.where, node.name),
            "the loss does not depend on this parameter; use it or freeze it"));
      }
      graph_.AddOutput(OutputKind::kGradient, node.name, contributions_[id][0]);
    }
    return absl::OkStatus();
  }

  Graph graph_;
  std::vector<bool> needs_;
  std::vector<std::vector<NodeId>> contributions_;
  Adjoints adjoints_;
};

NodeId GradientBuilder::input(int i) const {
  return graph_.node(node_).inputs[i];
}

bool GradientBuilder::Needs(int i) const { return needs_[input(i)]; }

NodeId GradientBuilder::Add(OpPtr op, std::vector<NodeId> inputs,
                            const std::string& role) {
  const std::string layer = graph_.node(node_).name;
  absl::StatusOr<NodeId> id =
      graph_.Add(std::move(op), std::move(inputs),
                 graph_.UniqueName(absl::StrCat(layer, ".", role)),
                 graph_.node(node_).where);
  if (id.ok()) return *id;
  status_.Update(
      id.status());  // a bug in an op's gradient, reported once the op returns
  return node_;
}

absl::StatusOr<Graph> Differentiate(const Graph& graph,
                                    const std::set<std::string>& also,
                                    Adjoints* adjoints) {
  Differentiator differentiator(graph, also);
  absl::StatusOr<Graph> result = differentiator.Run();
  if (adjoints != nullptr) *adjoints = differentiator.adjoints();
  return result;
}

}  // namespace kiln
