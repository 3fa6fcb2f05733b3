#include "dsl/ops/sample_weight.h"

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

// loss = (w x - 0)^2 summed over the samples with their weights: gradient sum
// of weight * scale * 2 w x^2.
TEST(SampleWeightTest, WeighsLossAndGradientAndScalesTheGradientAlone) {
  ModelBuilder m;
  const Value x = m.Input("x", {1}), y = m.Target("y", {1});
  m.Loss(m.L2(m.Dense("fc", x, {.out = 1, .bias = false}), y));
  m.Metric("one", m.BinaryAccuracy(x, y, 0));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto training = BuildTrainingGraph(model->graph);
  ASSERT_TRUE(training.ok()) << training.status();
  GraphValues values{.batch = 5,
                     .tensors = {{"x", {1, 2, 3, 4, 5}},
                                 {"y", {0, 0, 0, 0, 0}},
                                 {"fc.weight", {0.5}}}};
  values.scale = 0.25;
  struct Case {
    std::vector<double> weights;
    double sum_of_squares;
  };
  for (const Case& c : {Case{{1, 1, 1, 1, 1}, 55}, Case{{1, 0, 0, 0, 2}, 51},
                        Case{{0, 0, 0, 0, 0}, 0}, Case{{0, 0.5, 0, 0, 0}, 2}}) {
    values.weights = c.weights;
    for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
      for (const int block : {1, 4, 8}) {
        const auto result = RunJit(
            *training, {PipelineKind::kGrad, block, schedule, ""}, values);
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->loss, 0.25 * c.sum_of_squares);
        EXPECT_EQ(result->gradients.at("fc.weight")[0],
                  0.25 * 2 * 0.5 * c.sum_of_squares);
      }
    }
  }
}

}  // namespace
}  // namespace kiln
