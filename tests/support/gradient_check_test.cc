// That the checker refuses what it must: every way in which a wrong gradient
// could pass.
#include "tests/support/gradient_check.h"

#include <cmath>
#include <limits>
#include <memory>

#include "dsl/ops/pointwise.h"
#include "tests/support/graph_testing.h"
#include "tests/support/random_values.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

// loss = sum of tanh(w_i x) * y_i
struct Case {
  Graph graph;
  GraphValues values;
  Gradients gradients;
};

Case Tanh4(int64_t size = 4) {
  GraphMaker maker;
  const NodeId w = maker.Trained("w", {size});
  maker.ProjectToLoss(
      maker.Add(std::make_shared<PointwiseOp>("tanh", Tanh(Arg(0))), {w}), "y");
  Case result{maker.graph(), {.batch = 2}, {}};
  result.values.tensors = {{"w_x", {1, -0.5}},
                           {"w", SpreadValues(size, 1)},
                           {"y", SpreadValues(2 * size, 2)}};
  std::vector<double>& gradient = result.gradients["w"];
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int64_t n = 0; n < 2; ++n) {
      const double x = result.values.tensors["w_x"][n],
                   t = std::tanh(result.values.tensors["w"][i] * x);
      sum += result.values.tensors["y"][n * size + i] * (1 - t * t) * x;
    }
    gradient.push_back(sum);
  }
  return result;
}

TEST(GradientCheckTest, AcceptsTheGradient) {
  const Case c = Tanh4();
  const auto report = CheckGradients(c.graph, c.values, c.gradients);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->tensors, 1);
  EXPECT_EQ(report->comparisons, 4);
  EXPECT_LT(report->worst, 1e-9);
}

TEST(GradientCheckTest, RefusesASmallErrorInOneElement) {
  for (int i = 0; i < 4; ++i) {
    Case c = Tanh4();
    c.gradients["w"][i] += 1e-6;
    EXPECT_TRUE(IsOneLineError(
        CheckGradients(c.graph, c.values, c.gradients),
        {"w: [" + std::to_string(i) + "] is", "finite differences give"}));
  }
}

TEST(GradientCheckTest, RandomDirectionsFindOneWrongElementOfALargeTensor) {
  Case c = Tanh4(2000);
  const auto report = CheckGradients(c.graph, c.values, c.gradients);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->comparisons, 24 + 8);
  c.gradients["w"][1234] += 1e-4;
  EXPECT_TRUE(IsOneLineError(CheckGradients(c.graph, c.values, c.gradients),
                             {"w:  along random direction 0 is"}));
}

TEST(GradientCheckTest, RefusesZeroNanMissingAndSuperfluousGradients) {
  const Case good = Tanh4();
  auto error = [&](auto change) {
    Case c = good;
    change(c.gradients);
    return CheckGradients(c.graph, c.values, c.gradients);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(IsOneLineError(error([](Gradients& g) { g["w"].assign(4, 0); }),
                             {"w: the gradient is all zero"}));
  EXPECT_TRUE(IsOneLineError(error([&](Gradients& g) { g["w"][2] = nan; }),
                             {"w: the gradient is not finite"}));
  EXPECT_TRUE(IsOneLineError(error([](Gradients& g) { g["w"].pop_back(); }),
                             {"w: the gradient has the wrong size"}));
  EXPECT_TRUE(IsOneLineError(error([](Gradients& g) { g.clear(); }),
                             {"w: has no gradient"}));
  EXPECT_TRUE(IsOneLineError(error([](Gradients& g) { g["v"] = {1}; }),
                             {"no parameters"}));
}

TEST(GradientCheckTest, AZeroGradientPassesOnlyWhereTheCaseSaysSo) {
  Case c = Tanh4();
  c.values.tensors["y"].assign(8, 0);
  EXPECT_TRUE(IsOneLineError(CheckDifferentiation(c.graph, c.values),
                             {"w: the gradient is all zero"}));
  EXPECT_TRUE(CheckDifferentiation(c.graph, c.values, {.zero = {"w"}}).ok());
  EXPECT_TRUE(IsOneLineError(
      CheckGradients(c.graph, c.values, c.gradients, {.zero = {"w"}}),
      {"w: the gradient is not zero, though the case says so"}));
  c = Tanh4();
  c.gradients["w"].assign(4, 0);  // claims to be zero, and is not
  EXPECT_TRUE(IsOneLineError(
      CheckGradients(c.graph, c.values, c.gradients, {.zero = {"w"}}),
      {"w: [0] is 0"}));
}

TEST(GradientCheckTest, RefusesAKinkInsteadOfSkippingIt) {
  GraphMaker maker;
  const NodeId w = maker.Trained("w", {2});
  maker.ProjectToLoss(
      maker.Add(std::make_shared<PointwiseOp>("relu", Max(Arg(0), 0)), {w}),
      "y");
  const GraphValues values{
      .tensors = {{"w_x", {1}}, {"w", {0.5, 2e-5}}, {"y", {1, 1}}}};
  // The first element is smooth; the second has its kink within the step of
  // 1e-4.
  EXPECT_TRUE(IsOneLineError(CheckDifferentiation(maker.graph(), values),
                             {"w: [1]: the loss is not smooth here"}));
  EXPECT_TRUE(CheckDifferentiation(maker.graph(), values, {.step = 1e-5}).ok());
}

TEST(GradientCheckTest, RefusesALossWhoseRoundingHidesTheGradient) {
  GraphMaker maker;
  const NodeId w = maker.Trained("w", {1});
  maker.ProjectToLoss(
      maker.Add(std::make_shared<PointwiseOp>("huge", Arg(0) + 1e14), {w}),
      "y");
  const GraphValues values{.tensors = {{"w_x", {1}}, {"w", {1}}, {"y", {1}}}};
  EXPECT_TRUE(IsOneLineError(CheckDifferentiation(maker.graph(), values),
                             {"w: [0]: rounding of the loss"}));
}

TEST(GradientCheckTest, RefusesAGraphWithNothingToCheck) {
  GraphMaker maker;
  maker.ProjectToLoss(maker.Input("x", {1}), "y");
  EXPECT_TRUE(
      IsOneLineError(CheckDifferentiation(
                         maker.graph(), {.tensors = {{"x", {1}}, {"y", {1}}}}),
                     {"there is no gradient to check"}));
}

TEST(GradientCheckTest, AFrozenParameterMustHaveNoGradient) {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {1});
  (void)x;
  maker.Parameter("frozen", {1}, /*frozen=*/true);
  maker.ProjectToLoss(maker.Trained("w", {1}), "y");
  const GraphValues values{
      .tensors = {
          {"x", {1}}, {"frozen", {1}}, {"w", {1}}, {"w_x", {1}}, {"y", {2}}}};
  EXPECT_TRUE(CheckGradients(maker.graph(), values, {{"w", {2}}}).ok());
  EXPECT_TRUE(IsOneLineError(
      CheckGradients(maker.graph(), values, {{"w", {2}}, {"frozen", {0}}}),
      {"frozen: is frozen, yet has a gradient"}));
}

TEST(SpreadValuesTest, AreDistinctAndAwayFromZero) {
  for (int64_t count : {1, 2, 3, 4, 7, 100, 101}) {
    std::vector<double> values = SpreadValues(count, 5);
    std::sort(values.begin(), values.end());
    for (int64_t i = 0; i < count; ++i) {
      EXPECT_GE(std::abs(values[i]), 0.99 / static_cast<double>(count))
          << count;
      EXPECT_LE(std::abs(values[i]), 1) << count;
      if (i > 0) {
        EXPECT_GT(values[i] - values[i - 1], 1.99 / static_cast<double>(count));
      }
    }
  }
}

}  // namespace
}  // namespace kiln
