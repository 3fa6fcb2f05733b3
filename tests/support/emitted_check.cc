#include "tests/support/emitted_check.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/passes.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

// Compares what a pipeline gave with what the interpreter says.
class Comparison {
 public:
  Comparison(double tolerance, const std::set<std::string>& zero)
      : tolerance_(tolerance), zero_(zero) {}

  absl::Status Compare(const std::string& what,
                       const std::vector<double>& actual,
                       const std::vector<double>& expected, double scale = 0) {
    if (actual.size() != expected.size()) {
      return Error(absl::StrCat(what, " has ", actual.size(), " values, not ",
                                expected.size()));
    }
    for (double value : expected) scale = std::max(scale, std::abs(value));
    for (size_t i = 0; i < actual.size(); ++i) {
      const double error = std::abs(actual[i] - expected[i]);
      if (!(error <= tolerance_ * scale)) {
        return Error(
            absl::StrFormat("%s[%d] is %.9g, the interpreter says %.9g "
                            "(largest of the tensor: %g)",
                            what, i, actual[i], expected[i], scale));
      }
      if (scale > 0) report_.worst = std::max(report_.worst, error / scale);
      ++report_.values;
    }
    return absl::OkStatus();
  }

  absl::Status CompareGradients(const std::string& what,
                                const Gradients& actual,
                                const Gradients& expected, double factor) {
    if (actual.size() != expected.size())
      return Error(absl::StrCat(what, ": ", actual.size(), " gradients"));
    for (const auto& [name, values] : expected) {
      std::vector<double> scaled = values;
      for (double& value : scaled) value *= factor;
      const bool is_zero = std::all_of(values.begin(), values.end(),
                                       [](double g) { return g == 0; });
      if (is_zero != (zero_.count(name) > 0))
        return Error(
            absl::StrCat(what, " of ", name, " is all zero, or is not"));
      if (actual.count(name) == 0)
        return Error(absl::StrCat(what, " of ", name, " is missing"));
      const double scale = is_zero ? 1 : 0;
      absl::Status status = Compare(absl::StrCat(what, " of ", name),
                                    actual.at(name), scaled, scale);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  const EmittedCheckReport& report() const { return report_; }

 private:
  static absl::Status Error(const std::string& what) {
    return absl::FailedPreconditionError(what);
  }

  const double tolerance_;
  const std::set<std::string>& zero_;
  EmittedCheckReport report_;
};

absl::Status CompareHeads(const Graph& forward, const GraphValues& values,
                          const NodeValues& expected,
                          const PipelineOptions& options,
                          Comparison* comparison) {
  const auto inferred = RunJit(forward, options, values);
  if (!inferred.ok()) return inferred.status();
  for (const Output& output : forward.outputs()) {
    if (output.kind != OutputKind::kHead) continue;
    absl::Status status = comparison->Compare(
        absl::StrCat("head ", output.name), inferred->heads.at(output.name),
        expected[output.node]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EmittedCheckReport> CheckEmitted(
    const Graph& forward, const GraphValues& values,
    const EmittedCheckOptions& options) {
  const auto training = BuildTrainingGraph(forward);
  if (!training.ok()) return training.status();
  const auto expected = Interpret(forward, values);
  if (!expected.ok()) return expected.status();
  const auto gradients = InterpretGradients(*training, values);
  if (!gradients.ok()) return gradients.status();
  Comparison comparison(options.tolerance, options.zero);

  absl::Status status = CompareHeads(
      forward, values, *expected,
      {PipelineKind::kInfer, options.block, options.schedule, ""}, &comparison);
  if (!status.ok()) return status;

  auto pipeline = JitPipeline::Compile(
      *training, {PipelineKind::kGrad, options.block, options.schedule, ""});
  if (!pipeline.ok()) return pipeline.status();
  const auto once = pipeline->Run(values);
  if (!once.ok()) return once.status();
  const double loss = *InterpretLoss(forward, values) / values.scale;
  if (status = comparison.Compare("loss", {once->loss}, {loss}, 1);
      !status.ok())
    return status;
  for (const Output& output : forward.outputs()) {
    if (output.kind != OutputKind::kMetric) continue;
    double total = 0;
    for (int64_t n = 0; n < values.batch; ++n)
      total += values.weights[n] * (*expected)[output.node][n];
    status = comparison.Compare("metric " + output.name,
                                {once->metrics.at(output.name)}, {total}, 1);
    if (!status.ok()) return status;
  }
  if (status = comparison.CompareGradients("gradient", once->gradients,
                                           *gradients, 1);
      !status.ok())
    return status;

  const auto twice = pipeline->Run(values, once->gradients);
  if (!twice.ok()) return twice.status();
  status = comparison.CompareGradients("gradient, accumulated twice,",
                                       twice->gradients, *gradients, 2);
  if (!status.ok()) return status;
  EmittedCheckReport report = comparison.report();
  if (options.finite_differences) {
    // Few elements: the interpreter, with which all are compared, is itself
    // checked on every one.
    const auto differences = CheckGradients(forward, values, once->gradients,
                                            {.tolerance = 2 * options.tolerance,
                                             .element_limit = 8,
                                             .random_elements = 4,
                                             .directions = 3,
                                             .zero = options.zero});
    if (!differences.ok()) return differences.status();
    report.differences = differences->comparisons;
  }
  return report;
}

void CheckOp(const std::string& op, Schedule schedule) {
  struct Run {
    int block;
    int64_t batch;  // no multiple of the block, so that the last one has lanes
                    // without a sample
  };
  const std::vector<Run> runs =
      schedule == Schedule::kNaive
          ? std::vector<Run>{{8, 11}}
          : std::vector<Run>{{1, 2}, {8, 11}, {16, 19}};
  EmittedCheckReport total;
  int cases = 0;
  for (const Run& run : runs) {
    for (const OpCase& c : OpCases(op, run.batch)) {
      SCOPED_TRACE(absl::StrCat(c.name, ", block ", run.block));
      // Sums of up to some hundred float32 terms: errors of 2^-24 a term,
      // mostly of either sign.
      const auto report = CheckEmitted(c.graph, c.values,
                                       {.block = run.block,
                                        .schedule = schedule,
                                        .zero = c.options.zero,
                                        .finite_differences = run.block == 8});
      EXPECT_TRUE(report.ok()) << report.status();
      if (!report.ok()) continue;
      total.values += report->values;
      total.worst = std::max(total.worst, report->worst);
      total.differences += report->differences;
      ++cases;
    }
  }
  std::cout << op << (schedule == Schedule::kNaive ? " naive: " : " fast: ")
            << cases << " cases, " << total.values
            << " values against the interpreter (worst relative difference "
            << total.worst << "), " << total.differences
            << " against finite differences\n";
}

}  // namespace kiln
