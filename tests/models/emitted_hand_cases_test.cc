// Hand cases 1, 2 and 3 through emitted code, on both schedules.
#include <memory>

#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "tests/support/hand_nets.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

class EmittedHandCasesTest : public ::testing::TestWithParam<Schedule> {
 protected:
  // All kinds of results of the model's pipelines; block 4.
  PipelineResult Emitted(const absl::StatusOr<Model>& model,
                         const GraphValues& values) {
    PipelineResult result;
    const auto training = BuildTrainingGraph(model->graph);
    EXPECT_TRUE(training.ok()) << training.status();
    const auto inferred =
        RunJit(*training, {PipelineKind::kInfer, 4, GetParam(), ""}, values);
    const auto trained =
        RunJit(*training, {PipelineKind::kGrad, 4, GetParam(), ""}, values);
    EXPECT_TRUE(inferred.ok() && trained.ok())
        << inferred.status() << trained.status();
    if (inferred.ok() && trained.ok()) {
      result = *trained;
      result.heads = inferred->heads;
    }
    return result;
  }

  std::vector<double> BooleanOutputs(std::vector<double> w1) {
    return Emitted(BooleanNet(), BooleanRows(std::move(w1), {1, 1}))
        .heads["out"];
  }
};

TEST_P(EmittedHandCasesTest, Case1) {
  EXPECT_THAT(BooleanOutputs({-1, 1, 1, -1}), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(BooleanOutputs({1, 0, -1, 1}), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(BooleanOutputs({1, 2, 0, -1}), ElementsAre(0, 2, 1, 3));
}

TEST_P(EmittedHandCasesTest, Case1Gradient) {
  // W1 = [[1, 2], [0, -1]], W2 = [3, -0.5] on the row (0, 1) alone: z = (2,
  // -1), n = (2, 0), out = 6, y = 0.
  GraphValues values = BooleanRows({1, 2, 0, -1}, {3, -0.5});
  values.weights = {0, 1, 0, 0};
  const PipelineResult result = Emitted(BooleanNet(), values);
  EXPECT_EQ(result.loss, 36);
  EXPECT_THAT(result.gradients.at("fc2.weight"), ElementsAre(2 * 6 * 2, 0));
  EXPECT_THAT(result.gradients.at("fc1.weight"),
              ElementsAre(0, 2 * 6 * 3 * 1, 0, 0));
}

TEST_P(EmittedHandCasesTest, Case2) {
  const PipelineResult result = Emitted(LogisticNet(), LogisticNetValues());
  EXPECT_NEAR(result.heads.at("h1")[0], 0.79705683, 2e-7);
  EXPECT_NEAR(result.heads.at("h2")[0], 0.19278725, 2e-7);
  EXPECT_NEAR(result.heads.at("y")[0], 0.64544763, 2e-7);
  EXPECT_NEAR(result.loss, 0.02115501, 1e-7);
  EXPECT_THAT(result.gradients.at("left.weight"),
              Pointwise(FloatNear(1e-7f), {0.00775308, -0.00947599}));
  EXPECT_THAT(result.gradients.at("right.weight"),
              Pointwise(FloatNear(1e-7f), {0.00062158, -0.00165754}));
  EXPECT_THAT(result.gradients.at("out1.weight"),
              Pointwise(FloatNear(1e-7f), {0.05306001}));
  EXPECT_THAT(result.gradients.at("out2.weight"),
              Pointwise(FloatNear(1e-7f), {0.01283383}));
}

TEST_P(EmittedHandCasesTest, Case3) {
  const PipelineResult result = Emitted(TwoRelus(), TwoRelusValues());
  EXPECT_THAT(result.heads.at("h"), ElementsAre(0, 2, 3, 4, 6, 7));
  EXPECT_THAT(result.heads.at("out"), ElementsAre(5, 3, 2, 1, 0, 0));
}

INSTANTIATE_TEST_SUITE_P(Schedules, EmittedHandCasesTest,
                         ::testing::Values(Schedule::kNaive, Schedule::kFast),
                         [](const auto& info) {
                           return info.param == Schedule::kNaive ? "Naive"
                                                                 : "Fast";
                         });

}  // namespace
}  // namespace kiln
