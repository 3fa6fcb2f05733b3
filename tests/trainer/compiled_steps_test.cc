// Training steps of the compiled models: no heap call, the same weights fused
// and apart, the same bits twice, any batch size.

#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lenet5.h"
#include "mnist_cnn.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"
#include "runtime/random_data.h"
#include "runtime/trainer.h"
#include "tests/support/heap_counter.h"
#include "xor_mlp.h"

namespace kiln {
namespace {

struct CompiledModel {
  const char* name;
  const Bundle& (*bundle)();
};

class CompiledStepsTest : public testing::TestWithParam<CompiledModel> {
 protected:
  static constexpr int kSamples = 150;

  CompiledStepsTest() {
    CountHalideMalloc();
    model_ = MakeModel();
    data_ = MakeRandomDataset(model_->manifest(), kSamples, /*seed=*/3);
    binding_ = std::make_unique<DataBinding>(
        *DataBinding::Create(model_->manifest(), data_));
    order_.resize(kSamples);
    std::iota(order_.begin(), order_.end(), 0);
  }

  static std::unique_ptr<Model> MakeModel() {
    std::unique_ptr<Model> model = *Model::Create(GetParam().bundle());
    model->Initialize(1);
    return model;
  }

  absl::Span<const int32_t> Rows(int64_t count, int64_t first = 0) const {
    return absl::MakeConstSpan(order_).subspan(first, count);
  }

  // The heap calls between the ends of a run's steps.
  int64_t HeapCallsOfTraining(int64_t batch, OptimizerKind kind) {
    Trainer trainer = *Trainer::Create(
        *model_, *binding_, nullptr,
        {.epochs = 2, .batch = batch, .optimizer = kind, .momentum = 0.9});
    int64_t before = -1, calls = 0;
    const absl::StatusOr<TrainingResult> result =
        trainer.Run({.on_step =
                         [&](const TrainingStep&) {
                           if (before >= 0) calls += HeapCalls() - before;
                           before = HeapCalls();
                         },
                     .on_epoch = nullptr});
    EXPECT_TRUE(result.ok()) << result.status();
    return calls;
  }

  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
  std::vector<int32_t> order_;
};

// |a - b| over every element, relative to the largest of b.
double Distance(absl::Span<const float> a, absl::Span<const float> b) {
  double difference = 0, largest = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return INFINITY;
    difference = std::max(difference, std::abs(double{a[i]} - b[i]));
    largest = std::max(largest, std::abs(double{b[i]}));
  }
  return difference / largest;
}

TEST_P(CompiledStepsTest, MakeNoHeapCall) {
  for (OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kMomentum, OptimizerKind::kNesterov,
        OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kRmsprop}) {
    for (int64_t batch : {1, 8, 64, 100}) {
      EXPECT_EQ(HeapCallsOfTraining(batch, kind), 0) << batch;
    }
  }
}

TEST_P(CompiledStepsTest, FusedEqualsGradientThenUpdate) {
  for (const PipelineSpec& spec : model_->manifest().pipelines) {
    if (spec.kind != PipelineKind::kStep) continue;
    const OptimizerKind kind = *ParseOptimizer(spec.optimizer);
    for (int64_t batch : {spec.block, std::max<int64_t>(spec.block - 1, 1)}) {
      const std::unique_ptr<Model> one = MakeModel(), other = MakeModel();
      Optimizer fused = *Optimizer::Create(*one, kind);
      Optimizer apart = *Optimizer::Create(*other, kind);
      apart.set_allow_fused(false);
      ASSERT_TRUE(fused.IsFused(batch)) << spec.function;
      Totals totals;
      for (int64_t step = 0; step < 3; ++step) {
        const HyperParameters hyper = {
            .learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 0.001f};
        const auto rows = Rows(batch, step * batch % (kSamples - batch));
        ASSERT_TRUE(fused.Step(*binding_, rows, hyper, totals).ok());
        ASSERT_TRUE(apart.Step(*binding_, rows, hyper, totals).ok());
      }
      EXPECT_LT(Distance(one->parameters(), other->parameters()), 1e-6)
          << spec.function << ", batch " << batch;
      EXPECT_GT(Distance(one->parameters(), model_->parameters()), 1e-4)
          << "the steps have moved the parameters";
    }
  }
}

// The gradient of any batch is the mean of its samples' own gradients, however
// it is cut into blocks.
TEST_P(CompiledStepsTest, GradientIsTheMeanOverSamplesWhateverTheBatch) {
  const int64_t size = model_->manifest().arena_floats;
  std::vector<double> sum(size, 0.0);
  Totals alone;
  int64_t done = 0;
  for (int64_t batch : {1, 3, 7, 9, 20, 65, 150}) {
    for (; done < batch; ++done) {
      ASSERT_TRUE(model_->Gradient(*binding_, Rows(1, done), alone).ok());
      for (int64_t i = 0; i < size; ++i) sum[i] += model_->gradient()[i];
    }
    std::vector<float> mean(size);
    for (int64_t i = 0; i < size; ++i) mean[i] = sum[i] / batch;
    Totals together;
    ASSERT_TRUE(model_->Gradient(*binding_, Rows(batch), together).ok());
    EXPECT_LT(Distance(model_->gradient(), mean), 2e-6) << batch;
    EXPECT_NEAR(together.MeanLoss(), alone.MeanLoss(), 1e-5);
    EXPECT_EQ(together.metrics, alone.metrics);
  }
}

// The first block of each slot drops even NaNs.
TEST_P(CompiledStepsTest, GradientDependsNotOnWhatTheSlotsHold) {
  const std::vector<float> initial(model_->parameters().begin(),
                                   model_->parameters().end());
  const auto set_all = [&](const std::vector<float>& arena) {
    for (size_t i = 0; i < model_->manifest().parameters.size(); ++i) {
      const ParameterSpec& p = model_->manifest().parameters[i];
      model_->SetParameter(
          i, absl::MakeConstSpan(arena).subspan(p.offset, p.size));
    }
  };
  for (int64_t batch : {1, 3, 9, 20, 65, 100, 150}) {
    SCOPED_TRACE(batch);
    const std::unique_ptr<Model> fresh = MakeModel();
    Totals totals;
    ASSERT_TRUE(fresh->Gradient(*binding_, Rows(batch), totals).ok());
    set_all(std::vector<float>(initial.size(), NAN));
    ASSERT_TRUE(model_->Gradient(*binding_, Rows(batch), totals).ok());
    for (const ParameterSpec& p : model_->manifest().parameters)
      EXPECT_TRUE(std::isnan(model_->gradient()[p.offset])) << p.name;
    set_all(initial);
    ASSERT_TRUE(model_->Gradient(*binding_, Rows(batch), totals).ok());
    EXPECT_EQ(model_->gradient(), fresh->gradient());
  }
}

TEST_P(CompiledStepsTest, InferenceDependsNotOnTheBlock) {
  std::vector<std::vector<float>> together, alone;
  ASSERT_TRUE(model_->Infer(*binding_, Rows(75), together).ok());
  for (int64_t n = 0; n < 75; ++n) {
    ASSERT_TRUE(model_->Infer(*binding_, Rows(1, n), alone).ok());
    const size_t size = alone[0].size();
    EXPECT_LT(
        Distance(alone[0],
                 absl::MakeConstSpan(together[0]).subspan(n * size, size)),
        1e-5)
        << n;
  }
}

TEST_P(CompiledStepsTest, TheSameSeedGivesTheSameBits) {
  std::vector<std::vector<float>> results;
  for (uint64_t seed : {5, 5, 6}) {
    const std::unique_ptr<Model> model = MakeModel();
    Trainer trainer = *Trainer::Create(
        *model, *binding_, nullptr,
        {.epochs = 2, .batch = 27, .learning_rate = 0.05, .seed = seed});
    ASSERT_TRUE(trainer.Run().ok());
    results.emplace_back(model->parameters().begin(),
                         model->parameters().end());
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_NE(results[0], results[2]);
}

INSTANTIATE_TEST_SUITE_P(
    Models, CompiledStepsTest,
    testing::Values(CompiledModel{"lenet5", models::lenet5},
                    CompiledModel{"mnist_cnn", models::mnist_cnn},
                    CompiledModel{"xor_mlp", models::xor_mlp}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace kiln
