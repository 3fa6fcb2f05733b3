#include "dsl/ops/parameter.h"

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

// Frozen parameters are read, and have no gradient.
TEST(ParameterTest, FrozenParametersAreReadAndHaveNoGradient) {
  ModelBuilder m;
  const Value x = m.Input("x", {2}), y = m.Target("y", {1});
  const Value hidden =
      m.Dense("frozen", x, {.out = 2, .bias = false, .frozen = true});
  m.Loss(m.L2(m.Dense("fc", hidden, {.out = 1, .bias = false}), y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  // hidden = (1 * 3 + 2 * 4, -3) = (11, -3), out = 11 - 2 * -3 = 17, error 2 *
  // (17 - 16) = 2.
  const GraphValues values{.tensors = {{"x", {3, 4}},
                                       {"y", {16}},
                                       {"frozen.weight", {1, 2, -1, 0}},
                                       {"fc.weight", {1, -2}}}};
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    const auto result =
        RunJit(*training, {PipelineKind::kGrad, 4, schedule, ""}, values);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->loss, 1);
    EXPECT_EQ(result->gradients, (Gradients{{"fc.weight", {22, -6}}}));
  }
}

}  // namespace
}  // namespace kiln
