#include "runtime/gradient_check.h"

#include "gtest/gtest.h"
#include "tests/support/fake_bundle.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

class GradientCheckTest : public testing::Test {
 protected:
  GradientCheckTest() { Fake() = {}; }
  ~GradientCheckTest() override { Fake() = {}; }

  static GradientCheck Check(const GradientCheckOptions& options = {}) {
    absl::StatusOr<GradientCheck> check = CheckGradients(FakeBundle(), options);
    EXPECT_TRUE(check.ok()) << check.status();
    return check.ok() ? *check : GradientCheck();
  }
};

TEST_F(GradientCheckTest, PassesRightGradients) {
  for (uint64_t seed : {1, 2, 3, 4, 5}) {
    const GradientCheck check = Check({.seed = seed});
    EXPECT_TRUE(check.passed());
    ASSERT_EQ(check.parameters.size(), 2) << "gain is frozen";
    EXPECT_EQ(check.pipelines.size(), 3);
    EXPECT_EQ(check.parameters[0].elements, 12);
    EXPECT_EQ(check.parameters[0].directions, 2);
    EXPECT_LT(check.parameters[0].max_relative_error, 1e-5);
    EXPECT_NEAR(check.loss, check.loss64, 1e-6);
  }
}

TEST_F(GradientCheckTest, FailsAGradientThatIsAPercentOff) {
  Fake().gradient_factor = 1.01;
  const GradientCheck check = Check();
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.parameters[0].failure, "differs in fake_grad_b1");
  EXPECT_EQ(check.parameters[1].failure, "");
  EXPECT_NEAR(check.parameters[0].max_relative_error, 0.01, 0.002);
}

// Only a projection sees an element that was not sampled.
TEST_F(GradientCheckTest, DirectionsReachEveryElement) {
  Fake().gradient_factor = 1.5;
  const GradientCheckOptions none = {.elements = 0, .directions = 0};
  EXPECT_TRUE(Check(none).passed());
  EXPECT_FALSE(Check({.elements = 0, .directions = 2}).passed());
}

// A maximum that rounding decides makes a right gradient fail at one point.
TEST_F(GradientCheckTest, TwoOtherPointsJudgeOneThatFails) {
  const GradientCheck right = Check();
  EXPECT_EQ(right.ties, 0);
  const int calls_a_point = Fake().grad_calls;

  Fake() = {};
  Fake().gradient_factor = 1.1;
  Fake().wrong_calls = calls_a_point;
  const GradientCheck tie = Check();
  EXPECT_TRUE(tie.passed());
  EXPECT_EQ(tie.ties, 1);
  EXPECT_EQ(Fake().grad_calls, 3 * calls_a_point);

  for (int points : {1, 2}) {
    Fake() = {};
    Fake().gradient_factor = 1.1;
    Fake().wrong_calls = points * calls_a_point + 1;
    EXPECT_FALSE(Check().passed()) << "wrong at " << points + 1 << " of 3";
  }
}

TEST_F(GradientCheckTest, FailsAGradientOfZeros) {
  Fake().zero_bias_gradient = true;
  const GradientCheck check = Check();
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.parameters[1].failure, "all zero in fake_grad_b1");
}

TEST_F(GradientCheckTest, FailsAGradientThatIsNotFinite) {
  Fake().nan_gradient = true;
  const GradientCheck check = Check();
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.parameters[0].failure, "not finite in fake_grad_b1");
}

TEST_F(GradientCheckTest, APipelinesErrorIsAStatus) {
  Fake().fail_with = -3;
  EXPECT_TRUE(
      IsOneLineError(CheckGradients(FakeBundle(), {}), {"failed with -3"}));
}

TEST_F(GradientCheckTest, NeedsTheFloat64Loss) {
  nlohmann::json json = FakeManifest();
  json["pipelines"].erase(7);
  const std::string text = json.dump();
  EXPECT_TRUE(IsOneLineError(CheckGradients(FakeBundleWith(text), {}),
                             {"no loss64 pipeline"}));
}

}  // namespace
}  // namespace kiln
