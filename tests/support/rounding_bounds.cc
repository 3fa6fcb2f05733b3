#include "tests/support/rounding_bounds.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kiln {
namespace {

// Results below float32's normal numbers have absolute errors instead.
constexpr double kSubnormal = 0x1p-126;

std::vector<Rounded> WeightedTotal(const GraphValues& values,
                                   const std::vector<Rounded>& per_sample) {
  Rounded total;
  for (int64_t n = 0; n < values.batch; ++n) {
    const double weight = BareWeight(values, n);
    // A lane of weight 0 does not count, whatever its value.
    if (weight != 0) total += Rounded(weight) * per_sample[n];
  }
  return {total};
}

double Norm(const std::vector<Rounded>& tensor,
            double (*number)(const Rounded&)) {
  double squares = 0;
  for (const Rounded& x : tensor) squares += number(x) * number(x);
  return std::sqrt(squares);
}

// Of few operations, the worst case is less than eight standard deviations.
double Likely(const Rounded& x) {
  return std::min(x.worst_error(), x.likely_error());
}

// How well bounds hold a tensor: the norm of the worst case relative to the
// tensor's; or of the likely errors where that is too wide.
struct Tightness {
  double width = 0;
  bool likely = false;
};

Tightness TightnessOf(const std::vector<Rounded>& tensor) {
  double length = Norm(tensor, [](const Rounded& x) { return x.value(); });
  // A tensor of zeros has no size to compare with: 1 is one as good as any.
  if (length == 0) length = 1;
  const double worst =
      Norm(tensor, [](const Rounded& x) { return x.worst_error(); });
  if (worst <= BoundCheck::kWorstCase * length) return {worst / length, false};
  return {Norm(tensor, Likely) / length, true};
}

std::vector<double> Bounds(const std::vector<Rounded>& tensor, bool likely) {
  std::vector<double> bounds;
  for (const Rounded& x : tensor)
    bounds.push_back(kSubnormal + (likely ? Likely(x) : x.worst_error()));
  return bounds;
}

}  // namespace

absl::StatusOr<RoundedOutputs> InterpretOutputs(const Graph& graph,
                                                const GraphValues& values) {
  const absl::StatusOr<NodeBounds> nodes = InterpretRounded(graph, values);
  if (!nodes.ok()) return nodes.status();
  RoundedOutputs outputs;
  for (const Output& output : graph.outputs()) {
    const std::vector<Rounded>& node = (*nodes)[output.node];
    if (output.kind == OutputKind::kHead) outputs.heads[output.name] = node;
    if (output.kind == OutputKind::kGradient)
      outputs.gradients[output.name] = node;
    if (output.kind == OutputKind::kState)
      outputs.next_state[output.name] = node;
    if (output.kind == OutputKind::kLoss)
      outputs.loss = WeightedTotal(values, node);
    if (output.kind == OutputKind::kMetric)
      outputs.metrics[output.name] = WeightedTotal(values, node);
  }
  return outputs;
}

double WidestBounds(const RoundedOutputs& outputs) {
  double widest = TightnessOf(outputs.loss).width;
  for (const RoundedTensors* tensors :
       {&outputs.heads, &outputs.metrics, &outputs.gradients}) {
    for (const auto& [name, tensor] : *tensors)
      widest = std::max(widest, TightnessOf(tensor).width);
  }
  return widest;
}

void BoundReport::Add(const BoundReport& other) {
  values += other.values;
  likely += other.likely;
  worst = std::max(worst, other.worst);
  tightness = std::max(tightness, other.tightness);
}

std::vector<double> BoundCheck::BoundsOf(const std::vector<Rounded>& tensor) {
  return Bounds(tensor, TightnessOf(tensor).likely);
}

absl::Status BoundCheck::Compare(const std::string& what,
                                 const std::vector<double>& actual,
                                 const std::vector<Rounded>& expected) {
  auto error = [&](const std::string& text) {
    return absl::FailedPreconditionError(absl::StrCat(what, text));
  };
  if (actual.size() != expected.size()) {
    return error(
        absl::StrCat(" has ", actual.size(), " values, not ", expected.size()));
  }
  const auto [width, use_likely] = TightnessOf(expected);
  if (!(width <= kWidest)) {
    return absl::OutOfRangeError(absl::StrFormat(
        "%s: the bounds are too wide, %.3g of the tensor's norm", what, width));
  }
  const std::vector<double> bounds = Bounds(expected, use_likely);
  for (size_t i = 0; i < actual.size(); ++i) {
    const double exact = expected[i].value();
    const double difference = std::abs(actual[i] - exact);
    if (!(difference <= bounds[i])) {
      return error(absl::StrFormat(
          "[%d] is %.9g, exactly %.9g: off by %.3g, rounding explains %.3g", i,
          actual[i], exact, difference, bounds[i]));
    }
    report_.worst = std::max(report_.worst, difference / bounds[i]);
  }
  report_.values += static_cast<int64_t>(actual.size());
  if (use_likely) report_.likely += static_cast<int64_t>(actual.size());
  report_.tightness = std::max(report_.tightness, width);
  return absl::OkStatus();
}

absl::Status BoundCheck::Compare(
    const std::string& what,
    const std::map<std::string, std::vector<double>>& actual,
    const RoundedTensors& expected) {
  if (actual.size() != expected.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        what, ": ", actual.size(), " tensors instead of ", expected.size()));
  }
  for (const auto& [name, values] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat(what, " ", name, " is missing"));
    }
    absl::Status status =
        Compare(absl::StrCat(what, " ", name), found->second, values);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status BoundCheck::CompareTotals(const PipelineResult& actual,
                                       const RoundedOutputs& expected) {
  absl::Status status = Compare("loss", {actual.loss}, expected.loss);
  for (const auto& [name, metric] : expected.metrics) {
    if (!status.ok()) break;
    status = Compare("metric " + name, {actual.metrics.at(name)}, metric);
  }
  return status;
}

}  // namespace kiln
