#include "dsl/ops/pointwise.h"

#include <cmath>
#include <limits>
#include <memory>

#include "dsl/activations.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

TEST(PointwiseTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("pointwise", Schedule::kFast);
}
TEST(PointwiseTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("pointwise", Schedule::kNaive);
}

// relu'(0) = 0, and nothing else is zero.
TEST(PointwiseTest, ReluAtItsKink) {
  GraphMaker maker;
  const Activation& relu = *FindActivation("relu");
  const std::vector<ScalarExpr> partials = {
      Substitute(*relu.derivative_by_output, {Arg(1)})};
  const NodeId y =
      maker.Add(std::make_shared<PointwiseOp>("relu", relu.value, partials),
                {maker.Trained("x", {8})});
  maker.ProjectToLoss(y, "y");
  const auto training = BuildTrainingGraph(maker.graph());
  ASSERT_TRUE(training.ok()) << training.status();
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    for (const int block : {1, 8}) {
      const auto result =
          RunJit(*training, {PipelineKind::kGrad, block, schedule, ""},
                 {.tensors = {{"x_x", {1}},
                              {"x", {0, -0.0, 1e-30, -1e-30, 1, -1, 0, 3}},
                              {"y", {1, 2, 3, 4, 5, 6, 7, 8}}}});
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->gradients.at("x"),
                (std::vector<double>{0, 0, 3, 0, 5, 0, 0, 8}))
          << "block " << block;
    }
  }
}

// Values and gradients of emitted code stay finite where an exponential would
// not.
TEST(PointwiseTest, GradientsFarOut) {
  const std::vector<double> inputs = {1e4, -1e4, 200, -200, 0, 0.5, -0.5, 90};
  for (const Activation& activation : Activations()) {
    SCOPED_TRACE(activation.name);
    GraphMaker maker;
    const NodeId y =
        maker.Add(std::make_shared<PointwiseOp>(
                      activation.name, activation.value, activation.Partials()),
                  {maker.Trained("x", {8})});
    maker.ProjectToLoss(y, "y");
    const auto training = BuildTrainingGraph(maker.graph());
    ASSERT_TRUE(training.ok()) << training.status();
    const GraphValues values = {.tensors = {{"x_x", {1}},
                                            {"x", inputs},
                                            {"y", {1, 1, 1, 1, 1, 1, 1, 1}}}};
    const auto expected = InterpretGradients(*training, values);
    ASSERT_TRUE(expected.ok()) << expected.status();
    const auto result = RunJit(
        *training, {PipelineKind::kGrad, 8, Schedule::kFast, ""}, values);
    ASSERT_TRUE(result.ok()) << result.status();
    for (size_t i = 0; i < inputs.size(); ++i) {
      const double right = expected->at("x")[i];
      ASSERT_TRUE(std::isfinite(right));
      EXPECT_NEAR(result->gradients.at("x")[i], right, 1e-6) << inputs[i];
    }
  }
}

// NaN in, NaN out; far out every activation is what it tends to.
TEST(PointwiseTest, NanAndExtremes) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> inputs = {nan,   infinity, -infinity, 1e30,
                                      -1e30, 88,       -88,       0};
  for (const Activation& activation : Activations()) {
    GraphMaker maker;
    const NodeId x = maker.Input("x", {8});
    maker.Head("y", maker.Add(std::make_shared<PointwiseOp>(activation.name,
                                                            activation.value),
                              {x}));
    for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
      for (const int block : {1, 8}) {
        const auto result =
            RunJit(maker.graph(), {PipelineKind::kInfer, block, schedule, ""},
                   {.tensors = {{"x", inputs}}});
        ASSERT_TRUE(result.ok()) << result.status();
        for (size_t i = 0; i < inputs.size(); ++i) {
          const double expected = Evaluate(activation.value, {inputs[i]}),
                       actual = result->heads.at("y")[i];
          if (std::isnan(expected) || std::isinf(expected)) {
            EXPECT_EQ(std::isnan(actual), std::isnan(expected))
                << activation.name << " of " << inputs[i];
            EXPECT_EQ(std::isinf(actual), std::isinf(expected))
                << activation.name << " of " << inputs[i];
          } else {
            EXPECT_NEAR(actual, expected, 1e-6 * std::abs(expected) + 1e-37)
                << activation.name << " of " << inputs[i];
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace kiln
