#include "tests/support/gradient_check.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/ops/parameter.h"
#include "dsl/passes.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

struct FiniteDifference {
  double value;
  double roundoff;    // bound on what rounding of the loss does to the value
  double smoothness;  // |D(h) - D(h/2)|
};

// Checks the gradient of one parameter.
class TensorCheck {
 public:
  TensorCheck(const Graph& loss_graph, const GraphValues& values,
              const std::string& name, const std::vector<double>& gradient,
              const GradientCheckOptions& options)
      : graph_(loss_graph),
        values_(values),
        name_(name),
        gradient_(gradient),
        options_(options) {}

  absl::Status Run(GradientCheckReport* report) {
    report_ = report;
    double largest = 0;
    for (double g : gradient_) {
      if (!std::isfinite(g)) return Error("the gradient is not finite");
      largest = std::max(largest, std::abs(g));
    }
    const bool zero_expected = options_.zero.count(name_) > 0;
    if (largest == 0 && !zero_expected)
      return Error("the gradient is all zero");
    if (largest != 0 && zero_expected)
      return Error("the gradient is not zero, though the case says so");
    const double scale = zero_expected ? 1 : largest;
    const int64_t size = static_cast<int64_t>(gradient_.size());
    if (size <= options_.element_limit) {
      for (int64_t i = 0; i < size; ++i) {
        if (absl::Status status = CheckElement(i, scale); !status.ok())
          return status;
      }
      return absl::OkStatus();
    }
    Random random(options_.seed);
    for (int64_t i = 0; i < options_.random_elements; ++i) {
      if (absl::Status status = CheckElement(random.Integer(size), scale);
          !status.ok())
        return status;
    }
    for (int64_t i = 0; i < options_.directions; ++i) {
      if (absl::Status status = CheckDirection(i, zero_expected, &random);
          !status.ok())
        return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error(const std::string& what) const {
    return absl::FailedPreconditionError(absl::StrCat(name_, ": ", what));
  }

  absl::Status CheckElement(int64_t i, double scale) {
    std::vector<double> direction(gradient_.size());
    const double unit = std::max(1.0, std::abs(values_.tensors.at(name_)[i]));
    direction[i] = 1;
    return Compare(absl::StrCat("[", i, "]"), gradient_[i], direction, unit,
                   scale);
  }

  absl::Status CheckDirection(int64_t number, bool zero_expected,
                              Random* random) {
    std::vector<double> direction(gradient_.size());
    double projection = 0, squares = 0;
    for (size_t i = 0; i < gradient_.size(); ++i) {
      direction[i] = random->Sign();
      projection += gradient_[i] * direction[i];
      squares += gradient_[i] * gradient_[i];
    }
    // All elements move at once: a step as long as that of one element stays on
    // one side of as many kinks.
    const double unit = 1 / std::sqrt(static_cast<double>(gradient_.size()));
    return Compare(absl::StrCat(" along random direction ", number), projection,
                   direction, unit, zero_expected ? 1 : std::sqrt(squares));
  }

  // Steps are multiples of `unit`.
  absl::Status Compare(const std::string& what, double gradient,
                       const std::vector<double>& direction, double unit,
                       double scale) {
    absl::Status status =
        CompareAt(what, gradient, direction, options_.step * unit, scale);
    for (double step : options_.larger_steps) {
      if (!absl::IsDataLoss(status)) break;
      status = CompareAt(what, gradient, direction, step * unit, scale);
    }
    return status;
  }

  absl::Status CompareAt(const std::string& what, double gradient,
                         const std::vector<double>& direction, double h,
                         double scale) {
    absl::StatusOr<FiniteDifference> difference = Differentiate(direction, h);
    if (!difference.ok()) return difference.status();
    const double allowed = options_.tolerance * scale + difference->roundoff;
    if (!std::isfinite(difference->value))
      return Error(absl::StrCat("the loss is not finite near", what));
    if (difference->roundoff > 1e-3 * scale) {
      return absl::DataLossError(absl::StrFormat(
          "%s: %s: rounding of the loss (%g) hides the gradient", name_, what,
          difference->roundoff));
    }
    // Truncation alone makes D(h) and D(h/2) differ by order h^2.
    if (difference->smoothness > 4 * allowed + 10 * h * h * scale) {
      return absl::OutOfRangeError(absl::StrFormat(
          "%s: %s: the loss is not smooth here: finite differences of steps h "
          "and h/2 are %g apart",
          name_, what, difference->smoothness));
    }
    const double error = std::abs(gradient - difference->value);
    if (!(error <= allowed)) {
      return Error(
          absl::StrFormat("%s is %.12g, finite differences give %.12g (differs "
                          "by %.3g, allowed %.3g)",
                          what, gradient, difference->value, error, allowed));
    }
    report_->worst = std::max(report_->worst, error / scale);
    report_->worst_share = std::max(report_->worst_share, error / allowed);
    ++report_->comparisons;
    return absl::OkStatus();
  }

  absl::StatusOr<FiniteDifference> Differentiate(
      const std::vector<double>& direction, double h) {
    double magnitude = options_.magnitude;
    absl::Status status;
    auto loss_at = [&](double t) {
      GraphValues moved = values_;
      std::vector<double>& parameter = moved.tensors.at(name_);
      for (size_t i = 0; i < parameter.size(); ++i)
        parameter[i] += t * direction[i];
      const absl::StatusOr<double> loss = InterpretLoss(graph_, moved);
      status.Update(loss.status());
      magnitude = std::max(magnitude, std::abs(loss.value_or(0)));
      return loss.value_or(0);
    };
    const double full = (loss_at(h) - loss_at(-h)) / (2 * h);
    const double half = (loss_at(h / 2) - loss_at(-h / 2)) / h;
    if (!status.ok()) return status;
    // Each loss is exact to some ulps of its own size, and of the terms it was
    // summed from.
    const double roundoff = 32 * DBL_EPSILON * magnitude / h;
    return FiniteDifference{(4 * half - full) / 3, roundoff,
                            std::abs(full - half)};
  }

  const Graph& graph_;
  const GraphValues& values_;
  const std::string& name_;
  const std::vector<double>& gradient_;
  const GradientCheckOptions& options_;
  GradientCheckReport* report_ = nullptr;
};

}  // namespace

absl::StatusOr<GradientCheckReport> CheckGradients(
    const Graph& forward, const GraphValues& values, const Gradients& gradients,
    const GradientCheckOptions& options) {
  const Graph loss_graph = KeepOutputs(forward, {OutputKind::kLoss});
  GradientCheckReport report;
  for (const Node& node : forward.nodes()) {
    const auto* parameter = dynamic_cast<const ParameterOp*>(node.op.get());
    if (parameter == nullptr) continue;
    const auto gradient = gradients.find(node.name);
    if (parameter->spec().frozen != (gradient == gradients.end())) {
      return absl::FailedPreconditionError(
          absl::StrCat(node.name, parameter->spec().frozen
                                      ? ": is frozen, yet has a gradient"
                                      : ": has no gradient"));
    }
    if (parameter->spec().frozen) continue;
    if (static_cast<int64_t>(gradient->second.size()) !=
        ElementCount(node.type.shape)) {
      return absl::FailedPreconditionError(
          absl::StrCat(node.name, ": the gradient has the wrong size"));
    }
    TensorCheck check(loss_graph, values, node.name, gradient->second, options);
    if (absl::Status status = check.Run(&report); !status.ok()) return status;
    ++report.tensors;
  }
  if (report.tensors == 0)
    return absl::FailedPreconditionError("there is no gradient to check");
  if (report.tensors != static_cast<int64_t>(gradients.size())) {
    return absl::FailedPreconditionError(
        "there are gradients of things that are no parameters");
  }
  return report;
}

absl::StatusOr<GradientCheckReport> CheckDifferentiation(
    const Graph& forward, const GraphValues& values,
    const GradientCheckOptions& options) {
  absl::StatusOr<Graph> training = BuildTrainingGraph(forward);
  if (!training.ok()) return training.status();
  if (absl::Status status = Verify(*training); !status.ok()) return status;
  absl::StatusOr<Gradients> gradients = InterpretGradients(*training, values);
  if (!gradients.ok()) return gradients.status();
  return CheckGradients(forward, values, *gradients, options);
}

}  // namespace kiln
