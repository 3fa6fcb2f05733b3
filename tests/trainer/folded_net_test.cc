// Inference of a compiled model that folds: the prepare pipeline runs when the
// parameters have changed, and only then.

#include "folded_net.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"
#include "runtime/random_data.h"
#include "tests/support/heap_counter.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

constexpr int kSamples = 19;
constexpr int kClasses = 3;

int prepare_calls = 0;
int (*prepare)(void**) = nullptr;

int CountedPrepare(void** args) {
  ++prepare_calls;
  return prepare(args);
}

class FoldedNetTest : public testing::Test {
 protected:
  FoldedNetTest() {
    CountHalideMalloc();
    // The bundle with a prepare pipeline that counts its calls.
    bundle_ = models::folded_net();
    entries_.assign(bundle_.pipelines,
                    bundle_.pipelines + bundle_.pipeline_count);
    for (PipelineEntry& entry : entries_) {
      if (std::string(entry.function) != "folded_net_prepare") continue;
      prepare = entry.argv;
      entry.argv = CountedPrepare;
    }
    bundle_.pipelines = entries_.data();
    prepare_calls = 0;

    model_ = *Model::Create(bundle_);
    model_->Initialize(4);
    data_ = MakeRandomDataset(model_->manifest(), kSamples, /*seed=*/3);
    binding_ = std::make_unique<DataBinding>(
        *DataBinding::Create(model_->manifest(), data_));
    rows_.resize(kSamples);
    std::iota(rows_.begin(), rows_.end(), 0);
  }

  // The mean loss of what Infer gives: folded.
  double InferredLoss() {
    EXPECT_TRUE(model_->Infer(*binding_, rows_, outputs_).ok());
    double total = 0;
    for (int n = 0; n < kSamples; ++n) {
      const float* logits = outputs_[0].data() + n * kClasses;
      double sum = 0;
      for (int k = 0; k < kClasses; ++k) sum += std::exp(double{logits[k]});
      total += std::log(sum) - logits[data_.targets[0].labels()[n]];
    }
    return total / kSamples;
  }

  // The same of the evaluation pipeline, which does not fold.
  double EvaluatedLoss() {
    Totals totals;
    EXPECT_TRUE(model_->Evaluate(*binding_, totals).ok());
    return totals.MeanLoss();
  }

  Bundle bundle_;
  std::vector<PipelineEntry> entries_;
  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
  std::vector<int32_t> rows_;
  std::vector<std::vector<float>> outputs_;
};

TEST_F(FoldedNetTest, TheManifestSaysWhatIsPrepared) {
  const Manifest& manifest = model_->manifest();
  ASSERT_EQ(manifest.prepared.size(), 4);
  EXPECT_EQ(manifest.prepared[0].name, "conv1.folded_weight");
  EXPECT_EQ(manifest.prepared[3].name, "fc3.collapsed_bias");
  EXPECT_EQ(manifest.notes[0],
            "inference: identity1 computes nothing and is left out");
  // 64 -> 96 -> 72 -> 3: 12,288 + 72 x 191 + 432 FLOPs, and 3 x 128.
  EXPECT_EQ(manifest.notes[2],
            "inference: fc1, fc2 and fc3 collapsed into one dense layer "
            "(-26,088 FLOPs)");
  EXPECT_LT(manifest.flops.inference, manifest.flops.forward - 26088);
  // Convolution and the one dense layer, two per multiply-add.
  EXPECT_EQ(manifest.flops.useful_inference, 2 * (16 * 4 * 9 + 64 * 3));
}

TEST_F(FoldedNetTest, FollowsTheParameters) {
  double last = 0;
  const auto expect_new = [&](const char* what) {
    const double loss = InferredLoss();
    EXPECT_NEAR(loss, EvaluatedLoss(), 1e-5) << what;
    EXPECT_NE(loss, last) << what;
    last = loss;
  };
  expect_new("initial");
  model_->SetParameter(0, std::vector<float>(36, 0.25f));
  expect_new("set");
  model_->Initialize(9);
  expect_new("initialized");

  const TemporaryDirectory directory;
  const std::string path = directory / "weights.safetensors";
  ASSERT_TRUE(model_->SaveParameters(path).ok());
  const HyperParameters hyper = {.learning_rate = 0.5, .momentum = 0.5};
  for (const bool fused : {true, false}) {
    Optimizer optimizer = *Optimizer::Create(*model_, OptimizerKind::kMomentum);
    optimizer.set_allow_fused(fused);
    Totals totals;
    const auto rows = absl::MakeConstSpan(rows_).first(8);
    ASSERT_EQ(optimizer.IsFused(8), fused);
    ASSERT_TRUE(optimizer.Prepare(8).ok());
    ASSERT_TRUE(optimizer.Step(*binding_, rows, hyper, totals).ok());
    expect_new(fused ? "fused step" : "step");
  }
  ASSERT_TRUE(model_->LoadParameters(path).ok());
  expect_new("loaded");
}

TEST_F(FoldedNetTest, PreparesOnceForTheSameParameters) {
  EXPECT_EQ(prepare_calls, 0) << "training alone never prepares";
  InferredLoss();
  InferredLoss();
  EvaluatedLoss();
  InferredLoss();
  EXPECT_EQ(prepare_calls, 1);
  model_->SetParameter(1, std::vector<float>(4, 0.5f));
  EXPECT_EQ(prepare_calls, 1) << "not before it is needed";
  InferredLoss();
  EXPECT_EQ(prepare_calls, 2);
}

TEST_F(FoldedNetTest, MakesNoHeapCall) {
  const std::vector<float> bias(4, 0.5f);
  InferredLoss();
  const int64_t before = HeapCalls();
  model_->SetParameter(1, bias);
  ASSERT_TRUE(model_->Infer(*binding_, rows_, outputs_).ok());
  EXPECT_EQ(HeapCalls() - before, 0);
  EXPECT_EQ(prepare_calls, 2);
}

TEST_F(FoldedNetTest, AFailureToPrepareIsAStatus) {
  prepare = [](void**) { return -7; };
  const absl::Status status = model_->Infer(*binding_, rows_, outputs_);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("folded_net_prepare failed with -7"),
            std::string::npos);
}

}  // namespace
}  // namespace kiln
