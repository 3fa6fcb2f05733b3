// The linked pipelines of every model, kind, block and schedule against the
// interpreter.
#include <cmath>
#include <iostream>

#include "dsl/passes.h"
#include "emitted_models.inc"  // made by CMake: headers of the models and EmittedModels()
#include "gtest/gtest.h"
#include "tests/support/bundle_runner.h"
#include "tests/support/emitted_check.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// What the interpreter says of a batch.
struct Expected {
  Graph forward, training;
  GraphValues values;
  NodeValues nodes;
  Gradients gradients;
  double loss = 0;  // weighted, without the scale
};

Expected Interpreted(const std::string& model, int64_t batch,
                     uint64_t seed = 5) {
  Expected e;
  const auto built = BuildModel(model);
  EXPECT_TRUE(built.ok()) << built.status();
  if (!built.ok()) return e;
  e.forward = built->graph;
  e.training = BuildTrainingGraph(e.forward).value();
  e.values = RandomValues(e.forward, batch, seed);
  e.nodes = Interpret(e.forward, e.values).value();
  e.gradients = InterpretGradients(e.training, e.values).value();
  e.loss = InterpretLoss(e.forward, e.values).value() / e.values.scale;
  return e;
}

// Each value within `tolerance` of the largest.
void ExpectClose(const std::string& what, const std::vector<double>& actual,
                 const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double scale = 0;
  for (double value : expected) scale = std::max(scale, std::abs(value));
  EXPECT_GT(scale, 0) << what << " is all zero";
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * scale)
        << what << "[" << i << "], largest " << scale;
  }
}

void ExpectClose(const Gradients& actual, const Gradients& expected,
                 double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, values] : expected) {
    ASSERT_EQ(actual.count(name), 1u) << name;
    ExpectClose(name, actual.at(name), values, tolerance);
  }
}

// PyTorch's update: g' = g + wd p, v = mu v + g', p = p - lr v.
void ExpectStep(const Expected& e, const PipelineResult& result,
                const StepValues& step, bool has_momentum) {
  for (const auto& [name, gradient] : e.gradients) {
    std::vector<double> velocity = gradient,
                        updated = e.values.tensors.at(name);
    for (size_t i = 0; i < gradient.size(); ++i) {
      velocity[i] += step.weight_decay * updated[i];
      if (has_momentum) velocity[i] += step.momentum * step.state.at(name)[i];
      updated[i] -= step.learning_rate * velocity[i];
    }
    ExpectClose(name + " after the step", result.parameters.at(name), updated,
                1e-5);
    if (has_momentum)
      ExpectClose(name + "'s velocity", result.state.at(name), velocity, 1e-5);
  }
}

class EmittedTest : public ::testing::TestWithParam<EmittedModel> {};

TEST_P(EmittedTest, EveryPipelineMatchesTheInterpreter) {
  const BundleRunner runner(GetParam().bundle());
  int checked = 0;
  for (const PipelineChoice& choice : runner.Pipelines()) {
    SCOPED_TRACE(choice.kind + " " + choice.optimizer + ", block " +
                 std::to_string(choice.block));
    const bool is_step = choice.kind == "step";
    // A whole block and a short one; a step is one block, with lanes to spare.
    const int64_t batch = is_step ? std::max<int64_t>(1, choice.block - 1)
                                  : choice.block + (choice.block + 1) / 2;
    const Expected e = Interpreted(GetParam().model, batch);
    StepValues step{
        .learning_rate = 0.5, .momentum = 0.75, .weight_decay = 0.125};
    for (const auto& [name, gradient] : e.gradients) {
      step.state[name] = gradient;
      for (double& value : step.state[name])
        value = static_cast<float>(value * 0.5 + 0.001);
    }
    const auto result = runner.Run(choice, e.values, step);
    ASSERT_TRUE(result.ok()) << result.status();
    ++checked;
    if (choice.kind != "infer") {
      EXPECT_NEAR(result->loss, e.loss,
                  e.loss * (choice.kind == "loss64" ? 1e-13 : 1e-5));
    }
    if (choice.kind == "infer") {
      for (const Output& output : e.forward.outputs()) {
        if (output.kind == OutputKind::kHead) {
          ExpectClose(output.name, result->heads.at(output.name),
                      e.nodes[output.node], 1e-5);
        }
      }
    } else if (choice.kind != "loss64") {
      for (const Output& output : e.forward.outputs()) {
        if (output.kind != OutputKind::kMetric) continue;
        double total = 0;
        for (int64_t n = 0; n < batch; ++n)
          total += e.values.weights[n] * e.nodes[output.node][n];
        EXPECT_NEAR(result->metrics.at(output.name), total,
                    1e-5 * static_cast<double>(batch))
            << output.name;
      }
    }
    if (choice.kind == "grad")
      ExpectClose(result->gradients, e.gradients, 1e-5);
    if (is_step) ExpectStep(e, *result, step, choice.optimizer == "momentum");
  }
  EXPECT_GE(checked, 4);
  std::cout << GetParam().name << ": " << checked << " pipelines\n";
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
  std::cout << GetParam().name << ": " << report->tensors << " tensors, "
            << report->comparisons << " comparisons, worst relative difference "
            << report->worst << "\n";
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
      ExpectClose(a->gradients, b->gradients, 1e-5);
      EXPECT_NEAR(a->loss, b->loss, 1e-6 * b->loss);
      ++pairs;
    }
  }
  EXPECT_GE(pairs, 3);
}

}  // namespace
}  // namespace kiln
