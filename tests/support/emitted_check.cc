#include "tests/support/emitted_check.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/evaluation_form.h"
#include "dsl/passes.h"
#include "dsl/prepare.h"
#include "tests/support/gradient_check.h"
#include "tests/support/jit.h"
#include "tests/support/report.h"
#include "tests/support/vectors.h"

namespace kiln {
namespace {

absl::Status Error(const std::string& what) {
  return absl::FailedPreconditionError(what);
}

// One graph on one batch.
class EmittedCheck {
 public:
  EmittedCheck(const Graph& forward, const GraphValues& values,
               const EmittedCheckOptions& options)
      : forward_(forward),
        loss_graph_(KeepOutputs(forward, {OutputKind::kLoss})),
        values_(values),
        options_(options) {}

  absl::StatusOr<EmittedCheckReport> Run() {
    absl::StatusOr<Graph> training = BuildTrainingGraph(forward_);
    if (!training.ok()) return training.status();
    absl::StatusOr<RoundedOutputs> expected =
        InterpretOutputs(*training, values_);
    if (!expected.ok()) return expected.status();
    // Heads are of the evaluation form.
    const auto evaluated = InterpretOutputs(
        EvaluationForm(KeepOutputs(forward_, {OutputKind::kHead})), values_);
    if (!evaluated.ok()) return evaluated.status();
    absl::Status status = CheckHeads(*evaluated);
    if (!status.ok()) return status;

    absl::StatusOr<JitPipeline> pipeline = JitPipeline::Compile(
        *training,
        {PipelineKind::kGrad, options_.block, options_.schedule, ""});
    if (!pipeline.ok()) return pipeline.status();
    status = CheckGrad(&*pipeline, *expected);
    if (!status.ok()) return status;
    report_.bounds = check_.report();
    return report_;
  }

 private:
  absl::Status CheckHeads(const RoundedOutputs& expected) {
    const auto inferred = RunJit(
        forward_, {PipelineKind::kInfer, options_.block, options_.schedule, ""},
        values_);
    if (!inferred.ok()) return inferred.status();
    // Folded layers round elsewhere than those of the model: their own bounds.
    absl::StatusOr<InferencePlan> plan = PlanInference(forward_);
    if (!plan.ok()) return plan.status();
    absl::StatusOr<RoundedOutputs> folded =
        InterpretOutputs(plan->folded, values_);
    if (!folded.ok()) return folded.status();
    if (absl::Status status = CheckFolding(folded->heads, expected.heads);
        !status.ok())
      return status;
    return check_.Compare("head", inferred->heads, folded->heads);
  }

  // Passes of inference change a head by no more than rounding in double.
  static absl::Status CheckFolding(const RoundedTensors& folded,
                                   const RoundedTensors& expected) {
    for (const auto& [name, values] : expected) {
      const std::vector<Rounded>& other = folded.at(name);
      double largest = 0;
      for (const Rounded& value : values)
        largest = std::max(largest, std::abs(value.value()));
      for (size_t i = 0; i < values.size(); ++i) {
        const double error = std::abs(values[i].value() - other[i].value());
        // NaN and infinite heads are for the comparison that follows.
        if (error > 1e-12 * largest)
          return Error(absl::StrCat("folding changes head ", name, "[", i,
                                    "] by ", error));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckGrad(JitPipeline* pipeline,
                         const RoundedOutputs& expected) {
    const auto once = pipeline->Run(values_);
    if (!once.ok()) return once.status();
    absl::Status status = check_.CompareTotals(*once, expected);
    if (status.ok()) status = CheckZeros(once->gradients);
    if (status.ok()) {
      status = check_.Compare("gradient", once->gradients, expected.gradients);
    }
    if (status.ok()) {
      status = check_.Compare("next", once->next_state, expected.next_state);
    }
    if (status.ok()) {
      status = CheckAccumulation(pipeline, once->gradients, expected);
    }
    if (!status.ok() || !options_.finite_differences) return status;
    status = CheckDifferences(once->gradients, expected);
    if (!status.ok()) return status;
    return CheckOwnDifferences(pipeline, once->gradients);
  }

  absl::Status CheckZeros(const Gradients& gradients) {
    for (const auto& [name, values] : gradients) {
      const bool is_zero = IsAllZero(values);
      const bool expected = options_.zero.count(name) > 0;
      if (is_zero && !expected)
        return Error(absl::StrCat("gradient ", name, " is all zero"));
      if (!is_zero && expected)
        return Error(absl::StrCat("gradient ", name, " is not zero"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckAccumulation(JitPipeline* pipeline, const Gradients& once,
                                 const RoundedOutputs& expected) {
    const auto twice = pipeline->Run(values_, once);
    if (!twice.ok()) return twice.status();
    RoundedTensors doubled = expected.gradients;
    for (auto& [name, gradient] : doubled) {
      for (size_t i = 0; i < gradient.size(); ++i)
        gradient[i] += Rounded(once.at(name)[i]);
    }
    return check_.Compare("gradient, accumulated twice,", twice->gradients,
                          doubled);
  }

  // Few elements: the interpreter, with which all are compared, is itself
  // checked on every one.
  absl::Status CheckDifferences(const Gradients& gradients,
                                const RoundedOutputs& expected) {
    double widest_share = 0;
    for (const auto& [name, gradient] : expected.gradients) {
      double largest = 0;
      for (const Rounded& g : gradient)
        largest = std::max(largest, std::abs(g.value()));
      if (largest == 0) continue;
      for (double bound : BoundCheck::BoundsOf(gradient))
        widest_share = std::max(widest_share, bound / largest);
    }
    if (!(widest_share <= BoundCheck::kWidest)) {
      return absl::OutOfRangeError(absl::StrFormat(
          "rounding leaves %.3g of the largest gradient", widest_share));
    }
    const auto report = CheckGradients(
        forward_, values_, gradients,
        {.tolerance = GradientCheckOptions().tolerance + widest_share,
         .element_limit = 8,
         .random_elements = 4,
         .directions = 3,
         .zero = options_.zero});
    if (!report.ok()) return report.status();
    report_.differences += report->comparisons;
    return absl::OkStatus();
  }

  // Both sides of a step of the emitted loss and how far apart they are.
  struct Slope {
    double value = 0;
    double rounding = 0;
    double gradient = 0;  // what the gradient says of the same step
  };

  absl::StatusOr<Slope> SlopeOver(JitPipeline* pipeline,
                                  const Gradients& gradients, double norm,
                                  double h) {
    Slope slope;
    double loss[2];
    GraphValues moved[2] = {values_, values_};
    for (int side : {0, 1}) {
      for (const auto& [name, gradient] : gradients) {
        std::vector<double>& p = moved[side].tensors.at(name);
        for (size_t i = 0; i < p.size(); ++i) {
          const double step = (side == 0 ? -h : h) * gradient[i] / norm;
          p[i] = static_cast<float>(p[i] + step);
        }
      }
      const auto run = pipeline->Run(moved[side]);
      if (!run.ok()) return run.status();
      const auto bound = InterpretOutputs(loss_graph_, moved[side]);
      if (!bound.ok()) return bound.status();
      loss[side] = run->loss * values_.scale;
      slope.rounding += bound->loss[0].worst_error() * values_.scale / (2 * h);
    }
    slope.value = (loss[1] - loss[0]) / (2 * h);
    // Steps as float32 took them.
    for (const auto& [name, gradient] : gradients) {
      for (size_t i = 0; i < gradient.size(); ++i) {
        slope.gradient +=
            gradient[i] *
            (moved[1].tensors.at(name)[i] - moved[0].tensors.at(name)[i]) /
            (2 * h);
      }
    }
    return slope;
  }

  absl::Status CheckOwnDifferences(JitPipeline* pipeline,
                                   const Gradients& gradients) {
    double squares = 0;
    for (const auto& [name, gradient] : gradients) {
      for (double g : gradient) squares += g * g;
    }
    const double norm = std::sqrt(squares);
    if (norm == 0) return absl::OkStatus();  // a case that says so
    for (double h : {0x1p-7, 0x1p-9, 0x1p-5, 0x1p-3}) {
      const auto full = SlopeOver(pipeline, gradients, norm, h);
      const auto half = SlopeOver(pipeline, gradients, norm, h / 2);
      if (!full.ok()) return full.status();
      if (!half.ok()) return half.status();
      // Truncation is of order h^2: two steps show three quarters of the wide
      // one's, which is three times the narrow one's.
      const double allowed =
          half->rounding + std::abs((full->value - full->gradient) -
                                    (half->value - half->gradient));
      if (!(allowed <= 0.05 * norm)) continue;
      if (!(std::abs(half->value - half->gradient) <= allowed)) {
        return Error(absl::StrFormat(
            "differences of the emitted loss give a slope of %.9g, the "
            "gradient %.9g (allowed %.3g)",
            half->value, half->gradient, allowed));
      }
      ++report_.own_differences;
      return absl::OkStatus();
    }
    ++report_.blurred;
    return absl::OkStatus();
  }

  const Graph& forward_;
  const Graph loss_graph_;
  const GraphValues& values_;
  const EmittedCheckOptions& options_;
  BoundCheck check_;
  EmittedCheckReport report_;
};

}  // namespace

void EmittedCheckReport::Add(const EmittedCheckReport& other) {
  bounds.Add(other.bounds);
  differences += other.differences;
  own_differences += other.own_differences;
  blurred += other.blurred;
}

absl::StatusOr<EmittedCheckReport> CheckEmitted(
    const Graph& forward, const GraphValues& values,
    const EmittedCheckOptions& options) {
  return EmittedCheck(forward, values, options).Run();
}

void CheckOp(const std::string& op, Schedule schedule) {
  struct Run {
    int block;
    int64_t batch;  // no multiple of the block, so that the last one has lanes
                    // without a sample
  };
  const std::vector<Run> runs =
      schedule == Schedule::kNaive ? std::vector<Run>{{8, 11}}
      : op == "pointwise"          ? std::vector<Run>{{1, 2}, {8, 11}}
                          : std::vector<Run>{{1, 2}, {8, 11}, {16, 19}};
  EmittedCheckReport total;
  int64_t shapes = 0;
  for (const Run& run : runs) {
    shapes = 0;
    for (const OpCase& c : OpCases(op, run.batch)) {
      SCOPED_TRACE(absl::StrCat(c.name, ", block ", run.block));
      if (NeedsWholeBatch(c.graph) && c.values.batch > run.block) continue;
      const auto report = CheckEmitted(c.graph, c.values,
                                       {.block = run.block,
                                        .schedule = schedule,
                                        .zero = c.options.zero,
                                        .finite_differences = run.block == 8});
      EXPECT_TRUE(report.ok()) << report.status();
      if (!report.ok()) continue;
      total.Add(*report);
      ++shapes;
    }
  }
  EXPECT_GT(total.own_differences, 3 * total.blurred);
  const std::string name =
      schedule == Schedule::kNaive ? "emitted naive" : "emitted fast";
  ReportCoverage(op, name, shapes, total.bounds.values, total.bounds.worst);
  ReportCoverage(op, name + ", differences", shapes,
                 total.differences + total.own_differences, 0);
  ReportSum("numbers of ops", "held to the worst case",
            total.bounds.values - total.bounds.likely);
  ReportSum("numbers of ops", "to the likely error", total.bounds.likely);
  const std::string losses = "emitted losses";
  ReportSum(losses, "sharp enough for float32 differences",
            total.own_differences);
  ReportSum(losses, "too coarse", total.blurred);
}

}  // namespace kiln
