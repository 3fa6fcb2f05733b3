// What a model computes is the same bits for any number of threads, and a step
// on several makes no heap call either.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lenet5.h"
#include "line_cnn_rrelu.h"
#include "mnist_cnn.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/parallel.h"
#include "runtime/random_data.h"
#include "runtime/trainer.h"
#include "tests/support/heap_counter.h"

namespace kiln {
namespace {

struct CompiledModel {
  const char* name;
  const Bundle& (*bundle)();
};

class ThreadsTest : public testing::TestWithParam<CompiledModel> {
 protected:
  static constexpr int kSamples = 270;

  ThreadsTest() {
    // So much work that every batch of several blocks is shared out.
    const Bundle& bundle = GetParam().bundle();
    nlohmann::json json = nlohmann::json::parse(*ManifestText(bundle));
    for (const char* flops :
         {"useful_forward", "useful_backward", "useful_inference"})
      json["flops"][flops] = int64_t{1} << 40;
    manifest_json_ = json.dump();
    bundle_ = bundle;
    bundle_.manifest = manifest_json_;
    const std::unique_ptr<Model> model = MakeModel(1);
    data_ = MakeRandomDataset(model->manifest(), kSamples, /*seed=*/3);
    binding_ = std::make_unique<DataBinding>(
        *DataBinding::Create(model->manifest(), data_));
    CountHalideMalloc();
  }

  std::unique_ptr<Model> MakeModel(int threads) {
    std::unique_ptr<Model> model = *Model::Create(bundle_);
    model->Initialize(1);
    EXPECT_TRUE(model->SetThreads(threads).ok());
    return model;
  }

  // Everything that two epochs of training yield.
  std::vector<double> Train(int threads, const TrainingOptions& options) {
    const std::unique_ptr<Model> model = MakeModel(threads);
    std::vector<double> result;
    const auto append = [&](const Totals& totals) {
      result.push_back(totals.loss);
      result.insert(result.end(), totals.metrics.begin(), totals.metrics.end());
    };
    Trainer trainer =
        *Trainer::Create(*model, *binding_, binding_.get(), options);
    const absl::StatusOr<TrainingResult> run = trainer.Run(
        {.on_step = [&](const TrainingStep& s) { append(*s.batch); },
         .on_epoch = [&](const TrainingEpoch& e) { append(*e.test); }});
    EXPECT_TRUE(run.ok()) << run.status();
    const auto weights = model->parameters();
    result.insert(result.end(), weights.begin(), weights.end());
    return result;
  }

  std::string manifest_json_;
  Bundle bundle_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
};

// Batches of 3 and of 100 samples leave lanes idle.
TEST_P(ThreadsTest, TrainingGivesTheSameBits) {
  for (const TrainingOptions& options :
       {TrainingOptions{.epochs = 2,
       .batch = 128,
       .optimizer = OptimizerKind::kMomentum,
       .momentum = 0.9},
        TrainingOptions{.epochs = 2,
        .batch = 267,
        .optimizer = OptimizerKind::kAdam,
        .learning_rate = 0.001,
        .clip_norm = 0.01},
        TrainingOptions{
            .epochs = 1, .batch = 100, .optimizer = OptimizerKind::kSgd}}) {
    const std::vector<double> alone = Train(1, options);
    for (int threads : {2, 3, 8}) {
      EXPECT_EQ(Train(threads, options), alone)
          << threads << " threads, batch " << options.batch;
    }
  }
}

TEST_P(ThreadsTest, LargeBatchesAreSharedOut) {
  const std::unique_ptr<Model> model = MakeModel(2);
  EXPECT_EQ(model->ThreadsForStep(256), 2);
  EXPECT_EQ(model->ThreadsForStep(1), 1);
}

TEST_P(ThreadsTest, InferenceAndEvaluationGiveTheSameBits) {
  std::vector<int32_t> rows(kSamples);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<std::vector<float>> alone;
  Totals alone_totals;
  const std::unique_ptr<Model> model = MakeModel(1);
  ASSERT_TRUE(model->Infer(*binding_, rows, alone).ok());
  ASSERT_TRUE(model->Evaluate(*binding_, alone_totals).ok());
  for (int threads : {2, 3, 8}) {
    std::vector<std::vector<float>> outputs;
    Totals totals;
    ASSERT_TRUE(model->SetThreads(threads).ok());
    ASSERT_TRUE(model->Infer(*binding_, rows, outputs).ok());
    ASSERT_TRUE(model->Evaluate(*binding_, totals).ok());
    EXPECT_EQ(outputs, alone);
    EXPECT_EQ(totals.loss, alone_totals.loss);
    EXPECT_EQ(totals.metrics, alone_totals.metrics);
  }
}

TEST_P(ThreadsTest, ARowOutsideIsTheSameErrorOnAnyThreads) {
  std::vector<int32_t> rows(256, 0);
  rows[200] = kSamples + 1;
  rows[250] = kSamples + 2;
  const std::unique_ptr<Model> model = MakeModel(1);
  for (int threads : {1, 2, 3, 8}) {
    ASSERT_TRUE(model->SetThreads(threads).ok());
    Totals totals;
    EXPECT_EQ(model->Gradient(*binding_, rows, totals).message(),
              "row 271 of 270 samples");
  }
}

TEST_P(ThreadsTest, AStepOnTwoThreadsMakesNoHeapCall) {
  const std::unique_ptr<Model> model = MakeModel(2);
  for (const double clip_norm : {0.0, 0.01}) {
    Trainer trainer =
        *Trainer::Create(*model, *binding_, nullptr,
                         {.epochs = 3, .batch = 128, .clip_norm = clip_norm});
    int64_t before = -1, calls = 0;
    ASSERT_TRUE(trainer
                    .Run({.on_step =
                              [&](const TrainingStep&) {
                                if (before >= 0) calls += HeapCalls() - before;
                                before = HeapCalls();
                              },
                          .on_epoch = nullptr})
                    .ok());
    EXPECT_EQ(calls, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, ThreadsTest,
    testing::Values(CompiledModel{"lenet5", models::lenet5},
                    CompiledModel{"mnist_cnn", models::mnist_cnn},
                    CompiledModel{"line_cnn_rrelu", models::line_cnn_rrelu}),
    [](const auto& info) { return info.param.name; });

TEST(ParallelTest, EveryTaskRunsOnceAndPhasesFollowEachOther) {
  SetPoolThreads(8);
  for (int workers : {1, 2, 3, 8}) {
    for (int count : {0, 1, 2, 7, 100}) {
      std::vector<int> first(count, 0), second(count, 0);
      ParallelPhases({{count, workers, [&](int, int i) { ++first[i]; }},
                      {count, workers, [&](int, int i) {
                         // Another's task of the phase before.
                         second[i] += first[count - 1 - i];
                       }}});
      EXPECT_EQ(first, std::vector<int>(count, 1));
      EXPECT_EQ(second, std::vector<int>(count, 1));
    }
  }
}

TEST(ParallelTest, AWorkerRunsOneTaskAtATime) {
  SetPoolThreads(8);
  std::vector<int> calls(8, 0);  // not atomic: a race would lose some
  ParallelFor(8, 100'000, [&](int worker, int) { ++calls[worker]; });
  EXPECT_EQ(std::accumulate(calls.begin(), calls.end(), 0), 100'000);
}

TEST(ParallelTest, ZeroThreadsAreTheCoresThatMayBeUsed) {
  EXPECT_EQ(*ThreadCount(0), AvailableCores());
  EXPECT_EQ(*ThreadCount(3), 3);
  EXPECT_FALSE(ThreadCount(-1).ok());
  EXPECT_FALSE(ThreadCount(kMaxThreads + 1).ok());
}

}  // namespace
}  // namespace kiln
