#include "tests/random_graphs/reordered_sums.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/ops/pointwise.h"
#include "tests/ops/references.h"
#include "tests/random_graphs/failures.h"

namespace kiln {
namespace {

void MakePositive(std::vector<double>* values) {
  for (double& value : *values) value = std::abs(value);
}

}  // namespace

// A gradient is a sum over paths from the loss of products of factors, which
// are forward values. With n roundings on a path, what is computed differs from
// the sum by gamma_n = n u / (1 - n u) times the sum of the products'
// magnitudes. These are summed here: every op among the adjoints is linear in
// those it reads, so with positive adjoints and weights, and the result made
// positive likewise, it adds magnitudes up.
absl::StatusOr<Gradients> RoundingErrors(const Graph& training,
                                         int forward_size,
                                         const GraphValues& values) {
  absl::StatusOr<NodeValues> nodes = Interpret(training, values);
  if (!nodes.ok()) return nodes.status();
  std::vector<double> roundings(training.size(), 0);
  NodeValues magnitudes = *nodes;
  for (NodeId id = forward_size; id < training.size(); ++id) {
    const Node& node = training.node(id);
    if (node.inputs.empty()) MakePositive(&magnitudes[id]);
    const bool is_place = node.type.dtype == DType::kInt32;  // of a maximum
    if (node.inputs.empty() || is_place) continue;
    // Only the adjoints of a formula and of a softmax read forward values that
    // are no factors themselves.
    const auto* pointwise = dynamic_cast<const PointwiseOp*>(node.op.get());
    const bool reads_values =
        pointwise != nullptr || node.op->name() == "softmax_cross_entropy_grad";
    double before = 0, terms = 1;
    NodeValues inputs;
    for (NodeId input : node.inputs) {
      before = std::max(before, roundings[input]);
      terms += static_cast<double>((*nodes)[input].size());
      inputs.push_back(magnitudes[input]);
      if (!reads_values) MakePositive(&inputs.back());
    }
    if (pointwise != nullptr) {
      terms = static_cast<double>(OperationCount(pointwise->value()));
    }
    roundings[id] = before + terms;
    std::fill(magnitudes[id].begin(), magnitudes[id].end(), 0);
    ReferenceCall<double> call{
        node, values, training.InputTypes(node), {}, magnitudes[id].data()};
    for (const std::vector<double>& input : inputs) {
      call.inputs.push_back(input.data());
    }
    FindReference<double>(node.op->name())(call);
    MakePositive(&magnitudes[id]);
  }
  Gradients errors;
  for (const Output& output : training.outputs()) {
    if (output.kind != OutputKind::kGradient) continue;
    const double nu = roundings[output.node] * DBL_EPSILON / 2;
    errors[output.name] = magnitudes[output.node];
    for (double& error : errors[output.name]) error *= nu / (1 - nu);
  }
  return errors;
}

absl::Status ExpectClose(const Gradients& actual, const Gradients& expected,
                         const Gradients& error_a, const Gradients& error_b,
                         int64_t* compared) {
  if (actual.size() != expected.size()) {
    return Wrong(
        absl::StrCat(actual.size(), " gradients, not ", expected.size()));
  }
  for (const auto& [name, wanted] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end() || found->second.size() != wanted.size()) {
      return Wrong(absl::StrCat("no gradient of ", name, " of its size"));
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double error = std::abs(found->second[i] - wanted[i]);
      const double allowed = error_a.at(name)[i] + error_b.at(name)[i];
      if (!(error <= allowed)) {
        return Wrong(absl::StrFormat(
            "the gradient of %s[%d] is %.17g, not %.17g (differs by %.3g, "
            "another order of sums explains %.3g)",
            name, i, found->second[i], wanted[i], error, allowed));
      }
    }
    *compared += static_cast<int64_t>(wanted.size());
  }
  return absl::OkStatus();
}

}  // namespace kiln
