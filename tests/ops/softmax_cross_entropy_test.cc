#include "dsl/ops/softmax_cross_entropy.h"

#include <cmath>
#include <memory>

#include "dsl/ops/dense.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

TEST(SoftmaxCrossEntropyTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("softmax_cross_entropy", Schedule::kFast);
}
TEST(SoftmaxCrossEntropyTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("softmax_cross_entropy", Schedule::kNaive);
}

struct Extremes {
  Graph training;
  GraphValues values;  // three samples: right by 2e4, wrong by 2e4, a tie that
                       // the first class wins
};

Extremes MakeExtremes() {
  GraphMaker maker;
  const NodeId x = maker.Input("x", {2}),
               weight = maker.Parameter("weight", {2, 2}),
               label = maker.Labels("label", 2);
  const NodeId logits = maker.Add(std::make_shared<DenseOp>(), {x, weight});
  maker.Loss(
      maker.Add(std::make_shared<SoftmaxCrossEntropyOp>(), {logits, label}));
  maker.Metric("accuracy",
               maker.Add(std::make_shared<AccuracyOp>(), {logits, label}));
  return {BuildTrainingGraph(maker.graph()).value(),
          {.batch = 3,
           .tensors = {{"x", {1e4, -1e4, 1e4, -1e4, 1, 1}},
                       {"weight", {1, 0, 0, 1}},
                       {"label", {0, 1, 0}}}}};
}

TEST(SoftmaxCrossEntropyTest, LogitsOfTenThousandAreExact) {
  const Extremes e = MakeExtremes();
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    for (const int block : {1, 8}) {
      const auto result = RunJit(
          e.training, {PipelineKind::kGrad, block, schedule, ""}, e.values);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_NEAR(result->loss, 0 + 2e4 + std::log(2), 2e-3);
      EXPECT_EQ(result->metrics.at("accuracy"),
                2);  // the right one and the tie
      // (softmax - [label]) x: 0; (1, -1) (1e4, -1e4); (-1/2, 1/2) (1, 1).
      const std::vector<double> expected = {1e4 - 0.5, -1e4 - 0.5, -1e4 + 0.5,
                                            1e4 + 0.5};
      for (int i = 0; i < 4; ++i)
        EXPECT_NEAR(result->gradients.at("weight")[i], expected[i], 2e-3);
    }
  }
}

// The first of equal maxima wins; a NaN first or at the label never does, and
// elsewhere is not seen. Vectors of samples, and samples by themselves.
TEST(SoftmaxCrossEntropyTest, AccuracyIsOfTheFirstMaximum) {
  struct Sample {
    std::vector<double> logits;
    double label, right;
  };
  const std::vector<Sample> samples = {
      {{1, 3, 2}, 1, 1},     {{1, 3, 2}, 2, 0},     {{2, 3, 3}, 1, 1},
      {{2, 3, 3}, 2, 0},     {{5, 5, 5}, 0, 1},     {{5, 5, 5}, 1, 0},
      {{-0.0, 0, -1}, 0, 1}, {{-0.0, 0, -1}, 1, 0}, {{-9, -8, -7}, 2, 1},
      {{NAN, 1, 2}, 0, 0},   {{NAN, 1, 2}, 2, 0},   {{1, NAN, 0}, 0, 1},
      {{1, NAN, 2}, 2, 1},   {{1, NAN, 0}, 1, 0},   {{1, 2, NAN}, 1, 1},
      {{1, 2, NAN}, 2, 0}};
  GraphMaker maker;
  const NodeId logits = maker.Input("logits", {3}),
               label = maker.Labels("label", 3);
  maker.Loss(
      maker.Add(std::make_shared<SoftmaxCrossEntropyOp>(), {logits, label}));
  maker.Metric("accuracy",
               maker.Add(std::make_shared<AccuracyOp>(), {logits, label}));
  for (const int block : {1, 16}) {
    auto pipeline = JitPipeline::Compile(
        maker.graph(), {PipelineKind::kEval, block, Schedule::kFast, ""});
    ASSERT_TRUE(pipeline.ok()) << pipeline.status();
    for (size_t first = 0; first < samples.size(); ++first) {
      // Alone, where a batch fills one lane, and all that follow.
      GraphValues rest{.batch = 0};
      double right = 0;
      for (size_t n = first; n < samples.size(); ++n) {
        rest.batch += 1;
        for (double z : samples[n].logits) rest.tensors["logits"].push_back(z);
        rest.tensors["label"].push_back(samples[n].label);
        right += samples[n].right;
      }
      const GraphValues one{.batch = 1,
                            .tensors = {{"logits", samples[first].logits},
                                        {"label", {samples[first].label}}}};
      EXPECT_EQ(pipeline->Run(one)->metrics.at("accuracy"),
                samples[first].right)
          << "sample " << first << ", block " << block;
      EXPECT_EQ(pipeline->Run(rest)->metrics.at("accuracy"), right);
    }
  }
}

TEST(SoftmaxCrossEntropyTest, ANanLogitGivesANanLoss) {
  Extremes e = MakeExtremes();
  e.values.tensors["x"][2] = NAN;
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    const auto result =
        RunJit(e.training, {PipelineKind::kGrad, 8, schedule, ""}, e.values);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(std::isnan(result->loss));
    EXPECT_TRUE(std::isnan(result->gradients.at("weight")[0]));
  }
}

}  // namespace
}  // namespace kiln
