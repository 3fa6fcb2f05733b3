// A training step makes no heap call: neither malloc's kin nor Halide's.

#include <HalideRuntime.h>

#include <cstdlib>
#include <vector>

#include "runtime/optimizer.h"
#include "runtime/trainer.h"
#include "tests/support/heap_counter.h"
#include "tests/trainer/trainer_testing.h"

namespace kiln {
namespace {

class NoHeapTest : public FakeModelTest {
 protected:
  NoHeapTest() { CountHalideMalloc(); }

  // The heap calls of a step's work, from the end of one step to the end of the
  // next, in all steps but the first of a run.
  int64_t CallsWhileTraining(const TrainingOptions& options) {
    Trainer trainer = *Trainer::Create(*model_, *binding_, nullptr, options);
    int64_t before = -1, calls = 0, steps = 0;
    const absl::StatusOr<TrainingResult> result =
        trainer.Run({.on_step =
                         [&](const TrainingStep&) {
                           if (before >= 0) calls += HeapCalls() - before;
                           ++steps;
                           before = HeapCalls();
                         },
                     .on_epoch = nullptr});
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_GE(steps, 5);
    return calls;
  }
};

TEST_F(NoHeapTest, TheCounterCounts) {
  const int64_t before = HeapCalls();
  void* volatile memory = std::malloc(10);
  std::free(memory);
  const std::vector<int>* volatile vector = new std::vector<int>(100);
  delete vector;
  EXPECT_GE(HeapCalls() - before, 3);

  const int64_t before_halide = HeapCalls();
  halide_free(nullptr, halide_malloc(nullptr, 100));
  EXPECT_GE(HeapCalls() - before_halide, 1);
}

TEST_F(NoHeapTest, FusedSteps) {
  EXPECT_EQ(CallsWhileTraining({.epochs = 2, .batch = 8}), 0);
  EXPECT_GT(Fake().step_calls, 0);
}

// 100 = 4 x 22 + 12: several blocks and slots, and a short last batch.
TEST_F(NoHeapTest, SeveralBlocksThenUpdate) {
  EXPECT_EQ(
      CallsWhileTraining(
          {.epochs = 2, .batch = 22, .optimizer = OptimizerKind::kMomentum}),
      0);
  EXPECT_GT(Fake().grad_calls, 0);
}

TEST_F(NoHeapTest, EveryOptimizerWithScheduleAndClipping) {
  for (const OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kMomentum, OptimizerKind::kNesterov,
        OptimizerKind::kAdam, OptimizerKind::kAdamW, OptimizerKind::kRmsprop}) {
    for (const double clip_norm : {0.0, 0.01}) {
      EXPECT_EQ(CallsWhileTraining({.epochs = 2,
                                    .batch = 22,
                                    .optimizer = kind,
                                    .schedule = LearningRateSchedule::kCosine,
                                    .momentum = 0.9,
                                    .weight_decay = 0.01,
                                    .warmup_steps = 3,
                                    .clip_norm = clip_norm}),
                0)
          << OptimizerName(kind);
    }
  }
}

// Of full-batch descent, where every step ends an epoch, too.
TEST_F(NoHeapTest, StoppingRulesOnTheTrainingPart) {
  EXPECT_EQ(CallsWhileTraining({.epochs = 20,
                                .batch = kWholeSet,
                                .stop_at_accuracy = 1,
                                .patience = 20}),
            0);
}

TEST_F(NoHeapTest, EvaluationAndInferenceOnceWarm) {
  Totals totals;
  std::vector<std::vector<float>> outputs;
  const std::vector<int32_t> rows = Rows(13);
  for (int round = 0; round < 2; ++round) {
    const int64_t before = HeapCalls();
    ASSERT_TRUE(model_->Evaluate(*binding_, totals).ok());
    ASSERT_TRUE(model_->Infer(*binding_, rows, outputs).ok());
    if (round == 1) {
      EXPECT_EQ(HeapCalls() - before, 0);
    }
  }
}

TEST_F(NoHeapTest, FailsWhenAPipelineAllocates) {
  Fake().allocate_in_grad = true;
  EXPECT_GT(CallsWhileTraining({.epochs = 2, .batch = 22}), 0);
}

}  // namespace
}  // namespace kiln
