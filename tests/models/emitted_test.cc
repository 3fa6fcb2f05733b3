// The linked pipelines of every model, kind, block and schedule against the
// interpreter.
#include <map>

#include "absl/strings/str_format.h"
#include "dsl/passes.h"
#include "emitted_models.inc"  // made by CMake: headers of the models and EmittedModels()
#include "gtest/gtest.h"
#include "tests/support/bundle_runner.h"
#include "tests/support/gradient_check.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"
#include "tests/support/rounding_bounds.h"

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

class EmittedTest : public ::testing::TestWithParam<EmittedModel> {};

TEST_P(EmittedTest, EveryPipelineMatchesTheInterpreter) {
  const BundleRunner runner(GetParam().bundle());
  BoundCheck check;
  std::map<int64_t, Expected> by_batch;
  int checked = 0;
  for (const PipelineChoice& choice : runner.Pipelines()) {
    SCOPED_TRACE(choice.kind + " " + choice.optimizer + ", block " +
                 std::to_string(choice.block));
    const bool is_step = choice.kind == "step";
    // A whole block and a short one; a step is one block, with lanes to spare.
    const int64_t batch = is_step ? std::max<int64_t>(1, choice.block - 1)
                                  : choice.block + (choice.block + 1) / 2;
    if (by_batch.count(batch) == 0)
      by_batch[batch] = Interpreted(GetParam().model, batch);
    const Expected& e = by_batch[batch];
    StepValues step{
        .learning_rate = 0.5, .momentum = 0.75, .weight_decay = 0.125};
    for (const auto& [name, gradient] : e.outputs.gradients) {
      for (const Rounded& g : gradient) {
        step.state[name].push_back(static_cast<float>(g.value() * 0.5 + 0.001));
      }
    }
    const auto result = runner.Run(choice, e.values, step);
    ASSERT_TRUE(result.ok()) << result.status();
    ++checked;
    if (choice.kind == "loss64") {
      const double loss = e.outputs.loss[0].value();
      EXPECT_NEAR(result->loss, loss, loss * 1e-13);
      continue;
    }
    EXPECT_TRUE(check
                    .Compare("head", result->heads,
                             choice.kind == "infer" ? e.outputs.heads
                                                    : RoundedTensors())
                    .ok());
    if (choice.kind == "infer") continue;
    absl::Status status = check.Compare("loss", {result->loss}, e.outputs.loss);
    for (const auto& [name, metric] : e.outputs.metrics) {
      status.Update(
          check.Compare("metric " + name, {result->metrics.at(name)}, metric));
    }
    if (choice.kind == "grad") {
      status.Update(
          check.Compare("gradient", result->gradients, e.outputs.gradients));
    }
    if (is_step) {
      const Updated updated = Step(e, step, choice.optimizer == "momentum");
      status.Update(
          check.Compare("updated", result->parameters, updated.parameters));
      status.Update(
          check.Compare("velocity", result->state, updated.velocities));
    }
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_GE(checked, 4);
  ReportCoverage("model " + GetParam().name, "emitted, linked", checked,
                 check.report().values, check.report().worst);
  ReportLine(absl::StrFormat("model %s: bounds at most %.1g of the tensor",
                             GetParam().name, check.report().tightness));
}

// The oracle that the emitted gradients are compared with above is itself
// compared with finite differences: in this test the emitted ones are,
// directly.
TEST_P(EmittedTest, GradientsMatchFiniteDifferences) {
  const BundleRunner runner(GetParam().bundle());
  const Expected e = Interpreted(
      GetParam().model, 2, /*seed=*/3);  // values with no kink within the step
  const auto result = runner.Run({"grad", 8, ""}, e.values);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto report = CheckGradients(e.forward, e.values, result->gradients,
                                     {.step = 1e-6,
                                      .tolerance = 2e-5,
                                      .element_limit = 20,
                                      .random_elements = 8,
                                      .directions = 4});
  ASSERT_TRUE(report.ok()) << report.status();
  ReportCoverage("model " + GetParam().name, "emitted, differences",
                 report->tensors, report->comparisons, report->worst / 2e-5);
}

TEST_P(EmittedTest, TheSameCallGivesTheSameBits) {
  const BundleRunner runner(GetParam().bundle());
  const Expected e = Interpreted(GetParam().model, 11);
  const auto once = runner.Run({"grad", 8, ""}, e.values),
             twice = runner.Run({"grad", 8, ""}, e.values);
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
      const Expected e = Interpreted(fast.model, 13);
      const auto a = BundleRunner(fast.bundle()).Run({"grad", 8, ""}, e.values);
      const auto b =
          BundleRunner(naive.bundle()).Run({"grad", 8, ""}, e.values);
      ASSERT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
      // Both are within the same bounds of the same numbers.
      BoundCheck check;
      for (const auto* result : {&*a, &*b}) {
        EXPECT_TRUE(
            check.Compare("gradient", result->gradients, e.outputs.gradients)
                .ok());
        EXPECT_TRUE(check.Compare("loss", {result->loss}, e.outputs.loss).ok());
      }
      ++pairs;
    }
  }
  EXPECT_GE(pairs, 3);
}

}  // namespace
}  // namespace kiln
