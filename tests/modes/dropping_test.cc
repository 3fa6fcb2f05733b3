#include "dropping.h"

#include <algorithm>

#include "runtime/gradient_check.h"
#include "tests/modes/modes_testing.h"

namespace kiln {
namespace {

class DroppingTest : public ModesTest {
 protected:
  DroppingTest() : ModesTest(models::dropping()) {}

  // Of the mean loss over these rows.
  std::vector<double> GradientOf(const std::vector<int32_t>& rows) {
    Totals totals;
    const absl::Status status = model_->Gradient(*binding_, rows, totals);
    EXPECT_TRUE(status.ok()) << status;
    return {model_->gradient().begin(), model_->gradient().end()};
  }
};

TEST_F(DroppingTest, TrainsAsTheDefinitionsDoInDouble) {
  DoubleTraining exact(AsTensors(*model_), /*seed=*/7);
  for (int step = 0; step < 6; ++step) exact.Step(BatchOf(step), kRate);
  for (bool fused : {true, false}) {
    const std::unique_ptr<Model> model = MakeModel();
    Train(*model, 7, 0, 6, fused);
    EXPECT_LT(Distance(*model, exact.tensors()), 1e-5);
  }
}

// A row draws the same numbers in any lane of any block, beside any others: a
// batch's gradient is the mean of its rows' own. One number that was drawn
// otherwise would change it by some percent.
TEST_F(DroppingTest, TheBlocksChangeNoNumber) {
  model_->SetRandomKey(3, 11);
  for (int batch : {2, 7, 8, 9, 16, 20}) {
    std::vector<double> mean(model_->parameters().size());
    for (int32_t row : Rows(batch)) {
      const std::vector<double> one = GradientOf({row});
      for (size_t i = 0; i < one.size(); ++i) mean[i] += one[i] / batch;
    }
    const std::vector<double> together = GradientOf(Rows(batch));
    for (size_t i = 0; i < mean.size(); ++i)
      ASSERT_NEAR(together[i], mean[i], 1e-6) << batch << " rows, float " << i;
    // In another order as well.
    std::vector<int32_t> backwards = Rows(batch);
    std::reverse(backwards.begin(), backwards.end());
    const std::vector<double> reversed = GradientOf(backwards);
    for (size_t i = 0; i < mean.size(); ++i)
      ASSERT_NEAR(reversed[i], mean[i], 1e-6) << batch << " rows, float " << i;
  }
}

// A dropped feature gives its column of fc2's weight no gradient.
TEST_F(DroppingTest, HalfOfTheFeaturesAreDroppedAndOthersEachStep) {
  const auto& weight =
      model_->manifest()
          .parameters[model_->manifest().FindParameter("fc2.weight")];
  std::vector<std::vector<bool>> dropped;
  for (int step = 0; step < 50; ++step) {
    model_->SetRandomKey(1, step);
    const std::vector<double> gradient = GradientOf({4});
    std::vector<bool>& zero = dropped.emplace_back();
    for (int i = 0; i < 40; ++i)
      zero.push_back(gradient[weight.offset + i] == 0);
  }
  int count = 0, same = 0;
  for (size_t step = 0; step < dropped.size(); ++step) {
    count += std::count(dropped[step].begin(), dropped[step].end(), true);
    same += step > 0 && dropped[step] == dropped[step - 1];
  }
  // 2000 fair coins: 1000, and 112 is five standard deviations.
  EXPECT_NEAR(count, 1000, 112);
  EXPECT_EQ(same, 0);
}

TEST_F(DroppingTest, EvaluationDropsNothing) {
  std::vector<std::vector<float>> one, other;
  model_->SetRandomKey(1, 0);
  ASSERT_TRUE(model_->Infer(*binding_, Rows(5), one).ok());
  model_->SetRandomKey(2, 7);
  ASSERT_TRUE(model_->Infer(*binding_, Rows(5), other).ok());
  EXPECT_EQ(one, other);
  const std::vector<double> exact =
      DoubleTraining(AsTensors(*model_), 1).Logits(Rows(5));
  for (size_t i = 0; i < exact.size(); ++i)
    EXPECT_NEAR(one[0][i], exact[i], 1e-6);
}

TEST_F(DroppingTest, PassesItsGradientCheck) {
  const auto check = CheckGradients(models::dropping(), {});
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->passed());
}

}  // namespace
}  // namespace kiln
