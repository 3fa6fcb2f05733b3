#include "runtime/optimizer.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/trainer/trainer_testing.h"

namespace kiln {
namespace {

class OptimizerTest : public FakeModelTest {
 protected:
  static Optimizer Make(Model& model, OptimizerKind kind, bool fused) {
    Optimizer optimizer = *Optimizer::Create(model, kind);
    optimizer.set_allow_fused(fused);
    return optimizer;
  }
};

TEST_F(OptimizerTest, NamesAreParsed) {
  EXPECT_EQ(*ParseOptimizer("sgd"), OptimizerKind::kSgd);
  EXPECT_EQ(*ParseOptimizer("momentum"), OptimizerKind::kMomentum);
  EXPECT_TRUE(IsOneLineError(ParseOptimizer("adam"), {"\"adam\"", "momentum"}));
}

// Three steps against PyTorch's formulas, in double, from the same gradients;
// with the multiplier of 2 on the bias and the gain frozen.
void ExpectFormula(Model& model, const DataBinding& data, OptimizerKind kind,
                   bool fused) {
  constexpr double kLearningRate = 0.3, kDecay = 0.01;
  const double mu = kind == OptimizerKind::kMomentum ? 0.9 : 0;
  const HyperParameters hyper = {
      .learning_rate = kLearningRate, .momentum = 0.9, .weight_decay = kDecay};
  Optimizer optimizer = *Optimizer::Create(model, kind);
  optimizer.set_allow_fused(fused);
  const int64_t size = model.parameters().size();
  std::vector<double> p(model.parameters().begin(), model.parameters().end());
  std::vector<double> v(size, 0.0);
  for (int step = 0; step < 3; ++step) {
    const std::vector<int32_t> rows = Rows(7, 7 * step);
    Totals totals;
    ASSERT_TRUE(model.Gradient(data, rows, totals).ok());
    for (int64_t i = 0; i < size; ++i) {
      if (i == 32) continue;  // gain
      const double multiplier = i >= 16 ? 2 : 1;
      v[i] = mu * v[i] + model.gradient()[i] + kDecay * p[i];
      p[i] -= kLearningRate * multiplier * v[i];
    }
    ASSERT_EQ(optimizer.IsFused(rows.size()), fused);
    ASSERT_TRUE(optimizer.Step(data, rows, hyper, totals).ok());
    for (int64_t i = 0; i < size; ++i) {
      EXPECT_NEAR(model.parameters()[i], p[i], 1e-6) << i << " step " << step;
    }
  }
  EXPECT_EQ(model.parameter(2)[0], 1.5f) << "gain is frozen";
  if (kind == OptimizerKind::kMomentum) {
    for (int64_t i = 0; i < size; ++i) {
      EXPECT_NEAR(optimizer.velocity()[i], v[i], 1e-6);
    }
  }
}

TEST_F(OptimizerTest, SgdFollowsTheFormula) {
  ExpectFormula(*model_, *binding_, OptimizerKind::kSgd, /*fused=*/false);
  EXPECT_EQ(Fake().step_calls, 0);
}

TEST_F(OptimizerTest, FusedSgdFollowsTheFormula) {
  ExpectFormula(*model_, *binding_, OptimizerKind::kSgd, /*fused=*/true);
  EXPECT_EQ(Fake().step_calls, 3);
}

TEST_F(OptimizerTest, MomentumFollowsTheFormula) {
  ExpectFormula(*model_, *binding_, OptimizerKind::kMomentum, /*fused=*/false);
}

TEST_F(OptimizerTest, FusedMomentumFollowsTheFormula) {
  ExpectFormula(*model_, *binding_, OptimizerKind::kMomentum, /*fused=*/true);
  EXPECT_EQ(Fake().step_calls, 3);
}

// A run may change between the two, as a short last batch does.
TEST_F(OptimizerTest, FusedAndSeparateStepsMix) {
  const std::unique_ptr<Model> other = MakeModel();
  Optimizer mixed = Make(*model_, OptimizerKind::kMomentum, true);
  Optimizer apart = Make(*other, OptimizerKind::kMomentum, false);
  const HyperParameters hyper = {.learning_rate = 0.1, .momentum = 0.9};
  Totals totals;
  for (int batch : {8, 20, 7, 1, 4, 50, 3}) {
    const std::vector<int32_t> rows = Rows(batch, batch);
    ASSERT_TRUE(mixed.Step(*binding_, rows, hyper, totals).ok());
    ASSERT_TRUE(apart.Step(*binding_, rows, hyper, totals).ok());
    for (size_t i = 0; i < other->parameters().size(); ++i) {
      ASSERT_NEAR(model_->parameters()[i], other->parameters()[i], 1e-6);
    }
  }
  EXPECT_GT(Fake().step_calls, 0);
}

TEST_F(OptimizerTest, FusesOnlyABatchOfOneBlock) {
  Optimizer optimizer = Make(*model_, OptimizerKind::kSgd, true);
  EXPECT_TRUE(optimizer.IsFused(8));
  EXPECT_TRUE(optimizer.IsFused(7));   // its short tail
  EXPECT_FALSE(optimizer.IsFused(1));  // block 1 has no step
  EXPECT_FALSE(optimizer.IsFused(9));
  EXPECT_FALSE(optimizer.IsFused(16));
}

TEST_F(OptimizerTest, AnEmptyBatchAndABadRowAreRefused) {
  Optimizer optimizer = Make(*model_, OptimizerKind::kSgd, true);
  Totals totals;
  EXPECT_FALSE(optimizer.Step(*binding_, {}, {}, totals).ok());
  EXPECT_TRUE(IsOneLineError(
      optimizer.Step(*binding_, {1, 2, 3, kSamples}, {}, totals), {"row 100"}));
}

TEST_F(OptimizerTest, AFailedStepLeavesTheParameters) {
  Optimizer optimizer = Make(*model_, OptimizerKind::kSgd, true);
  const std::vector<float> before(model_->parameters().begin(),
                                  model_->parameters().end());
  Fake().fail_with = -9;
  Totals totals;
  const std::vector<int32_t> rows = Rows(8);
  EXPECT_TRUE(IsOneLineError(
      optimizer.Step(*binding_, rows, {.learning_rate = 1}, totals),
      {"fake_step_sgd_b8 failed with -9"}));
  EXPECT_EQ(model_->parameters(), absl::MakeConstSpan(before));
}

}  // namespace
}  // namespace kiln
