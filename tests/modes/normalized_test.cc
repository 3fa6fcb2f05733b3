#include "normalized.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "runtime/gradient_check.h"
#include "runtime/trainer.h"
#include "tests/modes/modes_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

class NormalizedTest : public ModesTest {
 protected:
  NormalizedTest() : ModesTest(models::normalized()) {}

  absl::Span<const float> Buffer(const Model& model, const char* name) const {
    return model.parameter(model.manifest().FindParameter(name));
  }
};

// Weights and running statistics of six steps, a short batch every third.
TEST_F(NormalizedTest, TrainsAsTheDefinitionsDoInDouble) {
  DoubleTraining exact(AsTensors(*model_), /*seed=*/7);
  for (int step = 0; step < 6; ++step) exact.Step(BatchOf(step), kRate);
  for (bool fused : {true, false}) {
    const std::unique_ptr<Model> model = MakeModel();
    const double before = Distance(*model, exact.tensors());
    Train(*model, 7, 0, 6, fused);
    EXPECT_GT(before, 0.5) << "training has changed something";
    EXPECT_LT(Distance(*model, exact.tensors()), 2e-5)
        << (fused ? "fused" : "apart");
    std::vector<std::vector<float>> outputs;
    ASSERT_TRUE(model->Infer(*binding_, Rows(11), outputs).ok());
    const std::vector<double> logits = exact.Logits(Rows(11));
    ASSERT_EQ(outputs[0].size(), logits.size());
    for (size_t i = 0; i < logits.size(); ++i)
      EXPECT_NEAR(outputs[0][i], logits[i], 2e-5);
  }
}

// Fused steps and steps apart may follow each other.
TEST_F(NormalizedTest, BothArenasCarryTheRunningStatistics) {
  DoubleTraining exact(AsTensors(*model_), 7);
  for (int step = 0; step < 7; ++step) {
    exact.Step(BatchOf(step), kRate);
    Train(*model_, 7, step, step + 1, /*fused=*/step % 3 != 1);
    ASSERT_LT(Distance(*model_, exact.tensors()), 2e-5) << "step " << step;
  }
}

TEST_F(NormalizedTest, EvaluationTakesTheRunningStatistics) {
  Totals before, after;
  ASSERT_TRUE(model_->Evaluate(*binding_, before).ok());
  const int mean = model_->manifest().FindParameter("bn2.running_mean");
  model_->SetParameter(mean, std::vector<float>(9, 0.5f));
  ASSERT_TRUE(model_->Evaluate(*binding_, after).ok());
  EXPECT_GT(std::abs(before.MeanLoss() - after.MeanLoss()), 1e-3);
  // Row by row or all at once, whatever the batch around a row.
  Totals singly;
  for (int n = 0; n < kSamples; ++n)
    ASSERT_TRUE(model_->Evaluate(*binding_, Rows(1, n), singly).ok());
  EXPECT_NEAR(singly.MeanLoss(), after.MeanLoss(), 1e-6);
}

TEST_F(NormalizedTest, GradientChangesNoState) {
  const std::vector<float> before = Weights(*model_);
  Totals totals;
  ASSERT_TRUE(model_->Gradient(*binding_, Rows(8), totals).ok());
  EXPECT_EQ(Weights(*model_), before);
}

TEST_F(NormalizedTest, PassesItsGradientCheck) {
  const auto check = CheckGradients(models::normalized(), {});
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->passed());
  EXPECT_EQ(check->parameters.size(), 8u) << "buffers are not parameters";
}

TEST_F(NormalizedTest, ABatchBeyondTheLargestBlockIsRefused) {
  Totals totals;
  for (const absl::Status& status :
       {Trainer::Create(*model_, *binding_, nullptr, {.batch = 17}).status(),
        model_->Gradient(*binding_, Rows(17), totals)}) {
    EXPECT_TRUE(
        IsOneLineError(status, {"normalized:", "whole batch", "17 samples",
                                "largest block, 16", "add 17 to BLOCKS"}));
  }
  EXPECT_TRUE(Trainer::Create(*model_, *binding_, nullptr, {.batch = 16}).ok());
}

TEST_F(NormalizedTest, CountsNoBufferAsAParameter) {
  const Manifest& manifest = model_->manifest();
  // conv1 27, bn1 6, fc1 48 x 9, bn2 18, fc2 30.
  EXPECT_EQ(manifest.parameter_count, 27 + 6 + 48 * 9 + 18 + 30);
  EXPECT_EQ(
      std::count_if(manifest.parameters.begin(), manifest.parameters.end(),
                    [](const auto& p) { return p.buffer; }),
      4);
}

TEST_F(NormalizedTest, RunningStatisticsAreSavedAndLoaded) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/weights.safetensors";
  Train(*model_, 7, 0, 3);
  ASSERT_TRUE(model_->SaveParameters(path).ok());
  const std::unique_ptr<Model> loaded = MakeModel();
  ASSERT_NE(Weights(*loaded), Weights(*model_));
  const absl::Status status = loaded->LoadParameters(path);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Weights(*loaded), Weights(*model_));
  EXPECT_NE(Buffer(*loaded, "bn1.running_mean")[0], 0);
}

TEST_F(NormalizedTest, SeedAndStepDecideEveryBit) {
  std::vector<std::vector<float>> weights;
  for (uint64_t seed : {5, 5, 6}) {
    const std::unique_ptr<Model> model = MakeModel();
    Train(*model, seed, 0, 3);
    weights.push_back(Weights(*model));
  }
  EXPECT_EQ(weights[0], weights[1]);
  EXPECT_NE(weights[0], weights[2]);
  // From the weights of two steps, the third is the third.
  const std::unique_ptr<Model> begun = MakeModel(), resumed = MakeModel();
  Train(*begun, 5, 0, 2);
  for (size_t i = 0; i < begun->manifest().parameters.size(); ++i)
    resumed->SetParameter(static_cast<int>(i),
                          begun->parameter(static_cast<int>(i)));
  Train(*resumed, 5, 2, 3);
  EXPECT_EQ(Weights(*resumed), weights[0]);
}

// The trainer passes its seed, and counts steps over epochs.
TEST_F(NormalizedTest, TrainerDrawsAnewInEachStep) {
  Trainer trainer = *Trainer::Create(*model_, *binding_, nullptr,
                                     {.epochs = 2,
                                      .batch = 8,
                                      .learning_rate = kRate,
                                      .seed = 9,
                                      .shuffle = false});
  ASSERT_TRUE(trainer.Run().ok());
  const std::unique_ptr<Model> by_hand = MakeModel();
  Train(*by_hand, 9, 0, 6);
  EXPECT_EQ(Weights(*model_), Weights(*by_hand));
}

}  // namespace
}  // namespace kiln
