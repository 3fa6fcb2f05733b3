// Batch normalisation against the interpreter, and the interpreter against
// numbers worked out on paper.
#include <cmath>
#include <vector>

#include "dsl/model.h"
#include "dsl/ops/sum.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/rounding_bounds.h"

namespace kiln {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

TEST(BatchNormTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("batch_norm", Schedule::kFast);
}
TEST(BatchNormTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("batch_norm", Schedule::kNaive);
}

// One feature, x = w u for the samples u = 1, 2, 6 and w = 1; eps = 4/3, so
// that all is rational. mean = 3; the deviations are -2, -1, 3, so variance
// = 14/3 and variance + eps = 6: z = (-2, -1, 3) / sqrt 6. With weight 2 and
// bias 5, y = 5 + 2 z. For the adjoint d = (1, 0, 0):
//   d_bias = 1, d_weight = -2 / sqrt 6,
//   d_x[n] = weight / sqrt 6 (d[n] - mean(d) - z[n] mean(d z)),
//   mean(d) = 1/3, mean(d z) = -2 / (3 sqrt 6), z[n] mean(d z) =
//   (-2, -1, 3)[n] (-2) / 18 = (2, 1, -3) / 9:
//   d_x = 2 / sqrt 6 (4, -4, 0) / 9.
// d_w = sum u d_x = 2 / sqrt 6 (4 - 8) / 9 = -8 / (9 sqrt 6).
// Running: mean 0.75 0 + 0.25 3, variance 0.75 1 + 0.25 (14/3) (3/2) = 2.5.
TEST(BatchNormTest, ASmallCaseByHand) {
  ModelBuilder m;
  const Value u = m.Input("u", {1});
  const Value x = m.Dense("scale", u, {.out = 1, .bias = false});
  const Value y = m.BatchNorm("bn1", x, {.eps = 4.0 / 3, .momentum = 0.25});
  const Value d = m.Target("d", {1});
  m.Output("y", y);
  m.Loss(m.Apply("sum", std::make_shared<SumOp>(),
                 {m.Pointwise("project", {y, d}, Arg(0) * Arg(1))}));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const Graph training = BuildTrainingGraph(model->graph).value();
  GraphValues values;
  values.batch = 3;
  values.tensors = {{"u", {1, 2, 6}},        {"d", {1, 0, 0}},
                    {"scale.weight", {1}},   {"bn1.weight", {2}},
                    {"bn1.bias", {5}},       {"bn1.running_mean", {0}},
                    {"bn1.running_var", {1}}};
  auto near = [](const std::vector<double>& expected) {
    return Pointwise(DoubleNear(1e-14), expected);
  };
  const double root = std::sqrt(6.0);
  EXPECT_THAT(ValueOf(training, values, "bn1"),
              near({5 - 4 / root, 5 - 2 / root, 5 + 6 / root}));
  const Gradients gradients = InterpretGradients(training, values).value();
  EXPECT_THAT(gradients.at("bn1.bias"), near({1}));
  EXPECT_THAT(gradients.at("bn1.weight"), near({-2 / root}));
  EXPECT_THAT(gradients.at("scale.weight"), near({-8 / (9 * root)}));
  EXPECT_THAT(ValueOf(training, values, "bn1.next_running_mean"), near({0.75}));
  EXPECT_THAT(ValueOf(training, values, "bn1.next_running_var"), near({2.5}));

  // The same batch with a fourth lane that carries no weight.
  values.batch = 4;
  values.tensors["u"].push_back(1000);
  values.tensors["d"].push_back(1000);
  values.weights = {1, 1, 1, 0};
  EXPECT_THAT(InterpretGradients(training, values)->at("scale.weight"),
              near({-8 / (9 * root)}));
  EXPECT_THAT(ValueOf(training, values, "bn1.next_running_var"), near({2.5}));
}

}  // namespace
}  // namespace kiln
