// The linked pipelines of every model, kind, block and schedule against the
// interpreter.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "dsl/evaluation_form.h"
#include "dsl/passes.h"
#include "dsl/prepare.h"
#include "emitted_models.inc"  // made by CMake: headers of the models and EmittedModels()
#include "gtest/gtest.h"
#include "tests/support/bundle_runner.h"
#include "tests/support/gradient_check.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"
#include "tests/support/rounding_bounds.h"
#include "tests/support/trace_check.h"
#include "tests/support/vectors.h"

namespace kiln {
namespace {

// What the interpreter says of a batch.
struct Expected {
  Graph forward;
  GraphValues values;
  RoundedOutputs outputs;
};

Expected Interpreted(const std::string& model, int64_t batch,
                     uint64_t seed = 5) {
  Expected e;
  const auto built = BuildModel(model);
  EXPECT_TRUE(built.ok()) << built.status();
  if (!built.ok()) return e;
  e.forward = built->graph;
  e.values = RandomValues(e.forward, batch, seed);
  const auto outputs =
      InterpretOutputs(BuildTrainingGraph(e.forward).value(), e.values);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  if (outputs.ok()) e.outputs = *outputs;
  return e;
}

// PyTorch's update: g' = g + wd p, v = mu v + g', p = p - lr v.
struct Updated {
  RoundedTensors parameters, velocities;
};

Updated Step(const Expected& e, const StepValues& step, bool has_momentum) {
  Updated updated;
  for (const auto& [name, gradient] : e.outputs.gradients) {
    for (size_t i = 0; i < gradient.size(); ++i) {
      const Rounded p = e.values.tensors.at(name)[i];
      Rounded velocity = gradient[i] + Rounded(step.weight_decay) * p;
      if (has_momentum) {
        velocity =
            Rounded(step.momentum) * Rounded(step.state.at(name)[i]) + velocity;
        updated.velocities[name].push_back(velocity);
      }
      updated.parameters[name].push_back(p - Rounded(step.learning_rate) *
                                                 velocity);
    }
  }
  return updated;
}

// Runs `check` on values of one seed. Rounding may decide a tie there, by the
// lanes of the machine that the code was emitted for, and the gradients of
// right code then differ from double; or the values may prove little
// (OutOfRange). So two more seeds judge a number that differs, and must both
// pass.
template <typename Check>
absl::Status Judge(uint64_t seed, Check check) {
  absl::Status first = check(seed);
  // A model's only ReLU may be dead.
  for (uint64_t end = seed + 20;
       seed < end && absl::StrContains(first.message(), "is all zero");)
    first = check(++seed);
  const bool may_be_tie =
      absl::IsOutOfRange(first) ||
      absl::StrContains(first.message(), "rounding explains") ||
      absl::StrContains(first.message(), "finite differences give");
  if (!may_be_tie) return first;
  for (uint64_t other : {seed + 1, seed + 2}) {
    if (!check(other).ok()) return first;
  }
  ReportSum("models", "ties decided by rounding", 1);
  return absl::OkStatus();
}

class EmittedTest : public ::testing::TestWithParam<EmittedModel> {
 protected:
  // One pipeline against the interpreter.
  absl::Status CheckPipeline(const PipelineChoice& choice, uint64_t seed) {
    const bool is_step = choice.kind == "step";
    // A whole block and a short one; a step is one block, with lanes to spare.
    // A trace is of one sample.
    const int64_t batch = choice.kind == "trace" ? 1
                          : is_step ? std::max<int64_t>(1, choice.block - 1)
                                    : choice.block + (choice.block + 1) / 2;
    auto [entry, is_new] = expected_.try_emplace({batch, seed});
    if (is_new) entry->second = Interpreted(GetParam().model, batch, seed);
    const Expected& e = entry->second;
    StepValues step{
        .learning_rate = 0.5, .momentum = 0.75, .weight_decay = 0.125};
    for (const auto& [name, gradient] : e.outputs.gradients) {
      for (const Rounded& g : gradient) {
        step.state[name].push_back(static_cast<float>(g.value() * 0.5 + 0.001));
      }
    }
    const auto result = runner_.Run(choice, e.values, step);
    if (!result.ok()) return result.status();
    if (choice.kind == "loss64") {
      const double loss = e.outputs.loss[0].value();
      return std::abs(result->loss - loss) <= loss * 1e-13
                 ? absl::OkStatus()
                 : absl::FailedPreconditionError(
                       absl::StrFormat("%.17g, not %.17g", result->loss, loss));
    }
    if (choice.kind == "trace")
      return CheckTrace(BuildTrainingGraph(e.forward).value(), e.values,
                        result->trace);
    if (choice.kind == "prepare") return absl::OkStatus();  // infer runs it
    if (choice.kind == "infer") {
      // Folded layers round elsewhere than those of the model.
      const absl::StatusOr<InferencePlan> plan = PlanInference(e.forward);
      if (!plan.ok()) return plan.status();
      const absl::StatusOr<RoundedOutputs> folded =
          InterpretOutputs(plan->folded, e.values);
      if (!folded.ok()) return folded.status();
      return check_.Compare("head", result->heads, folded->heads);
    }
    if (choice.kind == "eval") {
      const absl::StatusOr<RoundedOutputs> evaluated =
          InterpretOutputs(EvaluationForm(e.forward), e.values);
      if (!evaluated.ok()) return evaluated.status();
      return check_.CompareTotals(*result, *evaluated);
    }
    absl::Status status = check_.CompareTotals(*result, e.outputs);
    if (choice.kind == "grad") {
      for (const auto& [name, gradient] : result->gradients) {
        if (IsAllZero(gradient))
          status.Update(absl::FailedPreconditionError("the gradient of " +
                                                      name + " is all zero"));
      }
      status.Update(
          check_.Compare("gradient", result->gradients, e.outputs.gradients));
    }
    if (is_step) {
      const Updated updated = Step(e, step, choice.optimizer == "momentum");
      status.Update(
          check_.Compare("updated", result->parameters, updated.parameters));
      status.Update(
          check_.Compare("velocity", result->state, updated.velocities));
    }
    return status;
  }

  // The gradient in blocks of 8, or of what the model has.
  PipelineChoice Gradient() const {
    PipelineChoice gradient;
    for (const PipelineChoice& choice : runner_.Pipelines()) {
      if (choice.kind != "grad") continue;
      if (choice.block == 8 || gradient.kind.empty()) gradient = choice;
    }
    return gradient;
  }

  BundleRunner runner_{GetParam().bundle()};
  BoundCheck check_;
  std::map<std::pair<int64_t, uint64_t>, Expected> expected_;
};

TEST_P(EmittedTest, EveryPipelineMatchesTheInterpreter) {
  int checked = 0;
  for (const PipelineChoice& choice : runner_.Pipelines()) {
    const absl::Status status = Judge(
        /*seed=*/5, [&](uint64_t seed) { return CheckPipeline(choice, seed); });
    EXPECT_TRUE(status.ok()) << choice.kind << " " << choice.optimizer
                             << ", block " << choice.block << ": " << status;
    ++checked;
  }
  EXPECT_GE(checked, 4);
  ReportCoverage("model " + GetParam().name, "emitted, linked", checked,
                 check_.report().values, check_.report().worst);
  const BoundReport& bounds = check_.report();
  ReportSum("numbers of models", "held to the worst case",
            bounds.values - bounds.likely);
  ReportSum("numbers of models", "to the likely error", bounds.likely);
  ReportLine(absl::StrFormat("model %s: bounds at most %.1g of the tensor",
                             GetParam().name, check_.report().tightness));
}

// The oracle that the emitted gradients are compared with above is itself
// compared with finite differences: in this test the emitted ones are,
// directly.
TEST_P(EmittedTest, GradientsMatchFiniteDifferences) {
  constexpr double kTolerance = 2e-5;
  absl::StatusOr<GradientCheckReport> report;
  // With the first seed there is no kink within the step.
  const absl::Status status = Judge(/*seed=*/3, [&](uint64_t seed) {
    const Expected e = Interpreted(GetParam().model, 2, seed);
    const auto result = runner_.Run(Gradient(), e.values);
    if (!result.ok()) return result.status();
    report = CheckGradients(e.forward, e.values, result->gradients,
                            {.step = 1e-6,
                             .tolerance = kTolerance,
                             .element_limit = 20,
                             .random_elements = 8,
                             .directions = 4});
    return report.status();
  });
  ASSERT_TRUE(status.ok()) << status;
  ReportCoverage("model " + GetParam().name, "emitted, differences",
                 report->tensors, report->comparisons, report->worst_share);
}

TEST_P(EmittedTest, TheSameCallGivesTheSameBits) {
  const Expected e = Interpreted(GetParam().model, 11);
  const auto once = runner_.Run(Gradient(), e.values),
             twice = runner_.Run(Gradient(), e.values);
  ASSERT_TRUE(once.ok() && twice.ok());
  EXPECT_EQ(once->gradients, twice->gradients);
  EXPECT_EQ(once->loss, twice->loss);
}

INSTANTIATE_TEST_SUITE_P(Models, EmittedTest,
                         ::testing::ValuesIn(EmittedModels()),
                         [](const auto& info) { return info.param.name; });

// The fast and the naive schedule of each model that has both, directly.
TEST(SchedulesTest, FastAndNaiveAgree) {
  int pairs = 0;
  for (const EmittedModel& naive : EmittedModels()) {
    if (naive.name != naive.model + "_naive") continue;
    for (const EmittedModel& fast : EmittedModels()) {
      if (fast.name != naive.model) continue;
      SCOPED_TRACE(fast.name);
      const absl::Status status = Judge(/*seed=*/5, [&](uint64_t seed) {
        const Expected e = Interpreted(fast.model, 13, seed);
        // Both are within the same bounds of the same numbers.
        absl::Status both;
        for (const EmittedModel& model : {fast, naive}) {
          BoundCheck check;
          const auto result =
              BundleRunner(model.bundle()).Run({"grad", 8, ""}, e.values);
          if (!result.ok()) return result.status();
          both.Update(check.Compare("gradient", result->gradients,
                                    e.outputs.gradients));
          both.Update(check.Compare("loss", {result->loss}, e.outputs.loss));
        }
        return both;
      });
      EXPECT_TRUE(status.ok()) << status;
      ++pairs;
    }
  }
  EXPECT_GE(pairs, 3);
}

}  // namespace
}  // namespace kiln
