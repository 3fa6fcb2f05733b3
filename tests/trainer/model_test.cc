#include "runtime/model.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/trainer/trainer_testing.h"

namespace kiln {
namespace {

class ModelTest : public FakeModelTest {
 protected:
  // Gradient and loss of the mean over `rows`, in double, by hand.
  struct Exact {
    double d_weight[kFakeWeights] = {}, d_bias[kFakeClasses] = {}, loss = 0;
  };
  Exact ExactGradient(const std::vector<int32_t>& rows) const {
    Exact exact;
    const absl::Span<const float> w = model_->parameter(0);
    const absl::Span<const float> b = model_->parameter(1);
    const double gain = model_->parameter(2)[0];
    for (int32_t row : rows) {
      double p[kFakeClasses], sum = 0;
      for (int k = 0; k < kFakeClasses; ++k) {
        double logit = b[k];
        for (int j = 0; j < kFakeInputs; ++j) {
          logit += gain * w[k * kFakeInputs + j] * x(row)[j] / 255;
        }
        sum += p[k] = std::exp(logit);
      }
      exact.loss -= std::log(p[label(row)] / sum) / rows.size();
      for (int k = 0; k < kFakeClasses; ++k) {
        const double d = (p[k] / sum - (k == label(row))) / rows.size();
        exact.d_bias[k] += d;
        for (int j = 0; j < kFakeInputs; ++j) {
          exact.d_weight[k * kFakeInputs + j] += d * gain * x(row)[j] / 255;
        }
      }
    }
    return exact;
  }
};

TEST_F(ModelTest, InitializesByEachParametersSpec) {
  std::set<float> distinct;
  for (float value : model_->parameter(0)) {
    EXPECT_GE(value, -0.5f);
    EXPECT_LE(value, 0.5f);
    distinct.insert(value);
  }
  EXPECT_EQ(distinct.size(), 12);
  for (float value : model_->parameter(1)) EXPECT_EQ(value, 0);
  EXPECT_EQ(model_->parameter(2)[0], 1.5f);
}

TEST_F(ModelTest, TheSeedDecidesTheBits) {
  const std::unique_ptr<Model> same = MakeModel(1), other = MakeModel(2);
  EXPECT_EQ(same->parameters(), model_->parameters());
  EXPECT_NE(other->parameters(), model_->parameters());
}

TEST_F(ModelTest, GivenInitialValuesAreTheWeightsWhateverTheSeed) {
  nlohmann::json json = FakeManifest();
  json["parameters"][1]["init"] = {{"kind", "values"},
                                   {"values", {0.5, -2, 0.1}}};
  const std::string text = json.dump();
  std::unique_ptr<Model> model = *Model::Create(FakeBundleWith(text));
  for (uint64_t seed : {1, 2}) {
    model->Initialize(seed);
    EXPECT_THAT(model->parameter(1), testing::ElementsAre(0.5f, -2.0f, 0.1f));
  }
  // The others draw from streams of their own.
  EXPECT_EQ(model->parameter(0), MakeModel(2)->parameter(0));
}

TEST_F(ModelTest, NormalAndTruncatedNormalHaveTheirMoments) {
  nlohmann::json json = FakeManifest();
  json["parameters"][0]["init"] = {
      {"kind", "truncated_normal"}, {"mean", 1.0}, {"stddev", 0.1}};
  json["parameters"][1]["init"] = {
      {"kind", "normal"}, {"mean", -2.0}, {"stddev", 0.5}};
  const std::string text = json.dump();
  std::unique_ptr<Model> model = *Model::Create(FakeBundleWith(text));
  double sums[2] = {}, squares[2] = {}, farthest = 0;
  int counts[2] = {};
  for (int seed = 0; seed < 2000; ++seed) {
    model->Initialize(seed);
    for (int t : {0, 1}) {
      for (double value : model->parameter(t)) {
        sums[t] += value;
        squares[t] += value * value;
        ++counts[t];
        if (t == 0) farthest = std::max(farthest, std::abs(value - 1));
      }
    }
  }
  const double mean0 = sums[0] / counts[0], mean1 = sums[1] / counts[1];
  EXPECT_NEAR(mean0, 1, 0.005);
  EXPECT_NEAR(mean1, -2, 0.02);
  // A normal cut at two standard deviations keeps 0.880 of its deviation.
  EXPECT_NEAR(std::sqrt(squares[0] / counts[0] - mean0 * mean0), 0.088, 0.001);
  EXPECT_NEAR(std::sqrt(squares[1] / counts[1] - mean1 * mean1), 0.5, 0.01);
  EXPECT_LE(farthest, 0.2 + 1e-6);
  EXPECT_GE(farthest, 0.19);
}

// NaN times a weight of 0 is NaN: a bad row must not reach batches without it.
TEST_F(ModelTest, IdleLanesReadRowsOfTheBatch) {
  Fake().record = true;
  size_t idle = 0;
  for (int batch = 1; batch <= 40; ++batch) {
    const std::vector<int32_t> rows = Rows(batch, /*first=*/50);
    Fake().idle_rows.clear();
    Totals totals;
    ASSERT_TRUE(model_->Gradient(*binding_, rows, totals).ok());
    for (int32_t row : Fake().idle_rows) {
      EXPECT_EQ(std::count(rows.begin(), rows.end(), row), 1)
          << row << " is not among the " << batch << " of the batch";
    }
    idle += Fake().idle_rows.size();
  }
  EXPECT_GT(idle, 0u);
}

TEST_F(ModelTest, GradientIsOfTheMeanWhateverTheBatch) {
  for (int batch = 1; batch <= 40; ++batch) {
    const std::vector<int32_t> rows = Rows(batch, /*first=*/50);
    Totals totals;
    ASSERT_TRUE(model_->Gradient(*binding_, rows, totals).ok());
    const Exact exact = ExactGradient(rows);
    EXPECT_EQ(totals.samples, batch);
    EXPECT_NEAR(totals.MeanLoss(), exact.loss, 1e-6);
    for (int i = 0; i < kFakeWeights; ++i) {
      EXPECT_NEAR(model_->gradient()[i], exact.d_weight[i], 1e-6) << batch;
    }
    for (int i = 0; i < kFakeClasses; ++i) {
      EXPECT_NEAR(model_->gradient()[16 + i], exact.d_bias[i], 1e-6) << batch;
    }
    EXPECT_EQ(model_->gradient()[32], 0) << "gain is frozen";
  }
}

TEST_F(ModelTest, GradientStartsFromZeroEachTime) {
  Totals totals;
  const std::vector<int32_t> large = Rows(90), small = Rows(20);
  ASSERT_TRUE(model_->Gradient(*binding_, small, totals).ok());
  const std::vector<float> first(model_->gradient().begin(),
                                 model_->gradient().end());
  ASSERT_TRUE(model_->Gradient(*binding_, large, totals).ok());
  ASSERT_TRUE(model_->Gradient(*binding_, small, totals).ok());
  EXPECT_EQ(model_->gradient(), absl::MakeConstSpan(first));
  EXPECT_EQ(totals.samples, 130);
}

// The first block of a slot stores, even where an earlier batch has failed.
TEST_F(ModelTest, WhatAnEarlierBatchLeftIsDropped) {
  Totals totals;
  const std::unique_ptr<Model> fresh = MakeModel(1);
  for (int batch : {1, 8, 20}) {
    Fake().nan_gradient = true;
    Fake().fail_with = -5;
    EXPECT_FALSE(model_->Gradient(*binding_, Rows(batch), totals).ok());
    EXPECT_TRUE(std::isnan(model_->gradient()[5]));
    Fake().nan_gradient = false;
    Fake().fail_with = 0;
    ASSERT_TRUE(model_->Gradient(*binding_, Rows(batch), totals).ok());
    ASSERT_TRUE(fresh->Gradient(*binding_, Rows(batch), totals).ok());
    EXPECT_EQ(model_->gradient(), fresh->gradient()) << batch;
  }
}

TEST_F(ModelTest, InferAgreesWithTheFormulaInOrder) {
  for (int batch : {1, 3, 8, 13, 21}) {
    std::vector<std::vector<float>> outputs;
    std::vector<int32_t> rows = Rows(batch);
    std::reverse(rows.begin(), rows.end());
    ASSERT_TRUE(model_->Infer(*binding_, rows, outputs).ok());
    ASSERT_EQ(outputs.size(), 1);
    ASSERT_EQ(outputs[0].size(), batch * kFakeClasses);
    for (int n = 0; n < batch; ++n) {
      for (int k = 0; k < kFakeClasses; ++k) {
        double logit = 0;  // the biases are zero
        for (int j = 0; j < kFakeInputs; ++j) {
          logit += 1.5 * model_->parameter(0)[k * kFakeInputs + j] *
                   x(rows[n])[j] / 255;
        }
        EXPECT_NEAR(outputs[0][n * kFakeClasses + k], logit, 1e-5);
      }
    }
  }
}

TEST_F(ModelTest, EvaluateSeesEverySampleOnce) {
  Totals totals;
  ASSERT_TRUE(model_->Evaluate(*binding_, totals).ok());
  EXPECT_EQ(totals.samples, kSamples);
  EXPECT_NEAR(totals.MeanLoss(), ExactGradient(Rows(kSamples)).loss, 1e-6);
  EXPECT_EQ(Fake().eval_calls, 13) << "100 samples in blocks of 8";

  std::vector<std::vector<float>> outputs;
  ASSERT_TRUE(model_->Infer(*binding_, Rows(kSamples), outputs).ok());
  int right = 0;
  for (int n = 0; n < kSamples; ++n) {
    const float* logits = outputs[0].data() + n * kFakeClasses;
    right +=
        std::max_element(logits, logits + kFakeClasses) - logits == label(n);
  }
  EXPECT_EQ(totals.metrics[0], right);
}

TEST_F(ModelTest, RowsOutsideTheDataAreRefused) {
  Totals totals;
  EXPECT_TRUE(IsOneLineError(model_->Gradient(*binding_, {0, kSamples}, totals),
                             {"row 100 of 100"}));
  EXPECT_TRUE(
      IsOneLineError(model_->Evaluate(*binding_, {-1}, totals), {"row -1"}));
  EXPECT_FALSE(model_->Gradient(*binding_, {}, totals).ok());
}

TEST_F(ModelTest, APipelinesErrorIsAStatus) {
  Fake().fail_with = -5;
  Totals totals;
  EXPECT_TRUE(IsOneLineError(model_->Evaluate(*binding_, totals),
                             {"fake_eval_b8 failed with -5"}));
}

TEST_F(ModelTest, SavedParametersComeBackBitForBit) {
  const TemporaryDirectory directory;
  const std::string path = directory / "weights.safetensors";
  ASSERT_TRUE(model_->SaveParameters(path).ok());
  const std::unique_ptr<Model> other = MakeModel(7);
  ASSERT_NE(other->parameters(), model_->parameters());
  ASSERT_TRUE(other->LoadParameters(path).ok());
  EXPECT_EQ(other->parameters(), model_->parameters());
}

TEST_F(ModelTest, AFileThatDoesNotFitChangesNothing) {
  const TemporaryDirectory directory;
  const std::string path = directory / "weights.safetensors";
  const float values[12] = {9, 9, 9};
  const TensorView weight{"fc.weight", {3, 4}, values};
  ASSERT_TRUE(WriteWeightsFile(path, {weight}).ok());
  const std::vector<float> before(model_->parameters().begin(),
                                  model_->parameters().end());
  EXPECT_TRUE(IsOneLineError(model_->LoadParameters(path), {path, "fc.bias"}));
  EXPECT_EQ(model_->parameters(), absl::MakeConstSpan(before));
}

TEST_F(ModelTest, ABundleWithoutAPipelineIsRefused) {
  Bundle bundle = FakeBundle();
  --bundle.pipeline_count;  // the last is loss64, which Model does not bind
  EXPECT_TRUE(Model::Create(bundle).ok());
  --bundle.pipeline_count;
  EXPECT_TRUE(IsOneLineError(Model::Create(bundle), {"fake_step_momentum_b8"}));

  nlohmann::json json = FakeManifest();
  json["pipelines"].erase(6);  // eval
  const std::string text = json.dump();
  EXPECT_TRUE(IsOneLineError(Model::Create(FakeBundleWith(text)),
                             {"no eval pipeline"}));
}

TEST_F(ModelTest, DataThatDoNotFitAreRefused) {
  const Manifest& manifest = model_->manifest();
  const auto refused = [&](auto break_it, const char* complaint) {
    Dataset data = MakeRandomDataset(manifest, 10, 1);
    break_it(data);
    return IsOneLineError(DataBinding::Create(manifest, data), {complaint});
  };
  EXPECT_TRUE(refused([](Dataset& d) { d.targets.clear(); }, "0 targets"));
  EXPECT_TRUE(refused([](Dataset& d) { d.samples = 0; }, "no samples"));
  EXPECT_TRUE(refused([](Dataset& d) { d.samples = 11; }, "x: "));
  EXPECT_TRUE(
      refused([](Dataset& d) { d.inputs[0].spec.storage = Storage::kFloat32; },
              "float32, the model reads uint8"));
  EXPECT_TRUE(refused([](Dataset& d) { d.inputs[0].spec.shape = {5}; },
                      "5 values a sample, the model reads 4"));
  EXPECT_TRUE(refused([](Dataset& d) { d.targets[0].mutable_labels()[9] = 3; },
                      "label 3 is not one of 3 classes"));
}

}  // namespace
}  // namespace kiln
