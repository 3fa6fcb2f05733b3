#include "runtime/optimizer.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/trainer/trainer_testing.h"

namespace kiln {
namespace {

constexpr OptimizerKind kAllOptimizers[] = {
    OptimizerKind::kSgd,  OptimizerKind::kMomentum, OptimizerKind::kNesterov,
    OptimizerKind::kAdam, OptimizerKind::kAdamW,    OptimizerKind::kRmsprop};

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
  EXPECT_EQ(*ParseOptimizer("adamw"), OptimizerKind::kAdamW);
  for (const OptimizerKind kind : kAllOptimizers) {
    EXPECT_EQ(*ParseOptimizer(OptimizerName(kind)), kind);
  }
  EXPECT_EQ(OptimizerNames(),
            "sgd, momentum, nesterov, adam, adamw or rmsprop");
  EXPECT_TRUE(IsOneLineError(ParseOptimizer("adagrad"),
                             {"\"adagrad\"", "adamw or rmsprop"}));
}

// One parameter in double, updated as PyTorch's documentation of torch.optim
// has it.
struct Reference {
  double p = 0;
  double v = 0, m = 0, s = 0;  // velocity, means of gradient and of its square

  void Step(OptimizerKind kind, const HyperParameters& h, double lr,
            double weight_decay, double g, int t) {
    if (kind == OptimizerKind::kAdamW) {
      p -= lr * weight_decay * p;
    } else {
      g += weight_decay * p;
    }
    switch (kind) {
      case OptimizerKind::kSgd:
        p -= lr * g;
        break;
      case OptimizerKind::kMomentum:
        v = h.momentum * v + g;
        p -= lr * v;
        break;
      case OptimizerKind::kNesterov:
        v = h.momentum * v + g;
        p -= lr * (g + h.momentum * v);
        break;
      case OptimizerKind::kAdam:
      case OptimizerKind::kAdamW:
        m = h.beta1 * m + (1 - h.beta1) * g;
        s = h.beta2 * s + (1 - h.beta2) * g * g;
        p -= lr * (m / (1 - std::pow(h.beta1, t))) /
             (std::sqrt(s / (1 - std::pow(h.beta2, t))) + h.epsilon);
        break;
      case OptimizerKind::kRmsprop:
        s = h.alpha * s + (1 - h.alpha) * g * g;
        p -= lr * g / (std::sqrt(s) + h.epsilon);
        break;
    }
  }

  std::vector<double> State(OptimizerKind kind) const {
    switch (kind) {
      case OptimizerKind::kSgd:
        return {};
      case OptimizerKind::kMomentum:
      case OptimizerKind::kNesterov:
        return {v};
      case OptimizerKind::kAdam:
      case OptimizerKind::kAdamW:
        return {m, s};
      case OptimizerKind::kRmsprop:
        return {s};
    }
    return {};
  }
};

// `steps` steps against the formulas, from the same gradients; with the bias's
// multipliers (learning rate 2, weight decay 0.5) and the gain frozen.
void ExpectFormula(Model& model, const DataBinding& data, OptimizerKind kind,
                   bool fused, const HyperParameters& hyper, int steps = 12) {
  Optimizer optimizer = *Optimizer::Create(model, kind);
  optimizer.set_allow_fused(fused);
  const int64_t size = model.parameters().size();
  const std::vector<float> before(model.parameters().begin(),
                                  model.parameters().end());
  std::vector<Reference> references(size);
  for (int64_t i = 0; i < size; ++i) references[i].p = before[i];
  for (int step = 1; step <= steps; ++step) {
    const std::vector<int32_t> rows = Rows(7, 7 * step);
    Totals totals;
    ASSERT_TRUE(model.Gradient(data, rows, totals).ok());
    for (int64_t i = 0; i < size; ++i) {
      if (i == 32) continue;  // gain
      const double lr = hyper.learning_rate * (i >= 16 ? 2 : 1);
      const double decay = hyper.weight_decay * (i >= 16 ? 0.5 : 1);
      references[i].Step(kind, hyper, lr, decay, model.gradient()[i], step);
    }
    ASSERT_EQ(optimizer.IsFused(rows.size()), fused);
    ASSERT_TRUE(optimizer.Step(data, rows, hyper, totals).ok());
    for (int64_t i = 0; i < size; ++i) {
      ASSERT_NEAR(model.parameters()[i], references[i].p, 1e-6)
          << i << " step " << step;
    }
  }
  EXPECT_EQ(model.parameter(2)[0], 1.5f) << "gain is frozen";
  ASSERT_EQ(optimizer.state_count(), references[0].State(kind).size());
  for (int64_t i = 0; i < size; ++i) {
    const bool is_padding = (i >= 12 && i < 16) || (i >= 19 && i != 32);
    if (is_padding) {
      EXPECT_EQ(model.parameters()[i], 0) << i;
    }
    for (int k = 0; k < optimizer.state_count(); ++k) {
      EXPECT_NEAR(optimizer.state(k)[i], references[i].State(kind)[k], 1e-6);
    }
  }
  EXPECT_GT(std::abs(model.parameters()[0] - before[0]), 1e-3)
      << "the steps have moved it";
}

class EveryOptimizerTest : public OptimizerTest,
                           public testing::WithParamInterface<OptimizerKind> {};

TEST_P(EveryOptimizerTest, FollowsTheFormula) {
  ExpectFormula(*model_, *binding_, GetParam(), /*fused=*/false,
                {.learning_rate = 0.03, .momentum = 0.9, .weight_decay = 0.01});
  EXPECT_EQ(Fake().step_calls, 0);
}

TEST_P(EveryOptimizerTest, FollowsTheFormulaWithOtherNumbers) {
  ExpectFormula(*model_, *binding_, GetParam(), /*fused=*/false,
                {.learning_rate = 0.05,
                 .momentum = 0.5,
                 .weight_decay = 0.2,
                 .beta1 = 0.6,
                 .beta2 = 0.8,
                 .alpha = 0.7,
                 .epsilon = 0.05});
}

TEST_P(EveryOptimizerTest, TheSameStepsGiveTheSameBits) {
  std::vector<std::vector<float>> results;
  for (int run = 0; run < 2; ++run) {
    const std::unique_ptr<Model> model = MakeModel();
    Optimizer optimizer = *Optimizer::Create(*model, GetParam());
    optimizer.set_clip_norm(0.1);
    Totals totals;
    for (int step = 0; step < 20; ++step) {
      ASSERT_TRUE(optimizer
                      .Step(*binding_, Rows(23, step),
                            {.learning_rate = 0.1, .momentum = 0.9}, totals)
                      .ok());
    }
    results.emplace_back(model->parameters().begin(),
                         model->parameters().end());
  }
  EXPECT_EQ(results[0], results[1]);
}

INSTANTIATE_TEST_SUITE_P(All, EveryOptimizerTest,
                         testing::ValuesIn(kAllOptimizers),
                         [](const auto& info) {
                           return std::string(OptimizerName(info.param));
                         });

TEST_F(OptimizerTest, FusedSgdFollowsTheFormula) {
  ExpectFormula(*model_, *binding_, OptimizerKind::kSgd, /*fused=*/true,
                {.learning_rate = 0.3, .weight_decay = 0.01});
  EXPECT_EQ(Fake().step_calls, 12);
}

TEST_F(OptimizerTest, FusedMomentumFollowsTheFormula) {
  ExpectFormula(*model_, *binding_, OptimizerKind::kMomentum, /*fused=*/true,
                {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01});
  EXPECT_EQ(Fake().step_calls, 12);
}

// PyTorch's first step of Adam is lr in every direction that has a gradient,
// whatever its size: the bias corrections undo the averages' start at 0.
TEST_F(OptimizerTest, TheFirstStepOfAdamIsTheLearningRate) {
  const std::vector<float> before(model_->parameters().begin(),
                                  model_->parameters().end());
  Optimizer optimizer = *Optimizer::Create(*model_, OptimizerKind::kAdam);
  Totals totals;
  ASSERT_TRUE(
      optimizer.Step(*binding_, Rows(9), {.learning_rate = 0.001}, totals)
          .ok());
  for (int i = 0; i < kFakeWeights; ++i) {
    EXPECT_NEAR(std::abs(model_->parameters()[i] - before[i]), 0.001, 1e-6);
  }
}

class ClippingTest : public OptimizerTest {
 protected:
  // One step of SGD at rate 1 on rows 0..9; the change of every parameter.
  std::vector<double> Change(double clip_norm) {
    const std::unique_ptr<Model> model = MakeModel();
    const std::vector<float> before(model->parameters().begin(),
                                    model->parameters().end());
    Optimizer optimizer = *Optimizer::Create(*model, OptimizerKind::kSgd);
    optimizer.set_clip_norm(clip_norm);
    EXPECT_EQ(optimizer.IsFused(8), clip_norm == 0);
    Totals totals;
    EXPECT_TRUE(
        optimizer.Step(*binding_, Rows(10), {.learning_rate = 1}, totals).ok());
    std::vector<double> change(before.size());
    for (size_t i = 0; i < before.size(); ++i) {
      change[i] = double{before[i]} - model->parameters()[i];
    }
    return change;
  }
};

// torch.nn.utils.clip_grad_norm_ over the gradient of the batch's mean loss.
TEST_F(ClippingTest, ScalesTheMeanGradientToTheNorm) {
  Totals totals;
  ASSERT_TRUE(model_->Gradient(*binding_, Rows(10), totals).ok());
  double square = 0;
  for (float g : model_->gradient()) square += double{g} * g;
  const double norm = std::sqrt(square);
  ASSERT_GT(norm, 0.02);
  const std::vector<double> change = Change(norm / 3);
  for (size_t i = 0; i < change.size(); ++i) {
    const double multiplier = i >= 16 ? 2 : 1;
    EXPECT_NEAR(change[i],
                multiplier * model_->gradient()[i] * (norm / 3) / (norm + 1e-6),
                1e-7)
        << i;
  }
}

TEST_F(ClippingTest, LeavesASmallerGradientAsItIs) {
  EXPECT_EQ(Change(1e6), Change(0));
}

TEST_F(ClippingTest, AGradientThatIsNotFiniteIsRefused) {
  Optimizer optimizer = *Optimizer::Create(*model_, OptimizerKind::kMomentum);
  optimizer.set_clip_norm(1);
  const std::vector<float> before(model_->parameters().begin(),
                                  model_->parameters().end());
  Fake().nan_gradient = true;
  Totals totals;
  EXPECT_TRUE(IsOneLineError(
      optimizer.Step(*binding_, Rows(10), {.learning_rate = 1}, totals),
      {"norm of the gradient is nan"}));
  EXPECT_EQ(model_->parameters(), absl::MakeConstSpan(before));
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
