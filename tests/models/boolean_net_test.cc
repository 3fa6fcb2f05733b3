// models/boolean_net.cc with weights that were worked out on paper, through the
// runtime and the binary's own pipelines.
#include "boolean_net.h"

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/model.h"
#include "runtime/verbs/verb.h"

namespace kiln {
namespace {

using testing::ElementsAre;

class BooleanNetTest : public ::testing::Test {
 protected:
  // The outputs on the rows (0,0), (0,1), (1,0), (1,1).
  std::vector<float> Outputs(const std::vector<float>& w1) {
    SetWeights(w1);
    const auto data = BoundData::Load(model_->manifest(), {.source = "xor"});
    EXPECT_TRUE(data.ok()) << data.status();
    std::vector<std::vector<float>> outputs;
    EXPECT_TRUE(model_->Infer((*data)->train(), {0, 1, 2, 3}, outputs).ok());
    return outputs[0];
  }

  double Accuracy(const char* source, const std::vector<float>& w1) {
    SetWeights(w1);
    const auto data = BoundData::Load(model_->manifest(), {.source = source});
    EXPECT_TRUE(data.ok()) << data.status();
    Totals totals;
    EXPECT_TRUE(model_->Evaluate((*data)->train(), totals).ok());
    return totals.MeanMetric(0);
  }

  void SetWeights(const std::vector<float>& w1) {
    model_->SetParameter(model_->manifest().FindParameter("fc1.weight"), w1);
    model_->SetParameter(model_->manifest().FindParameter("fc2.weight"),
                         {1, 1});
  }

  std::unique_ptr<Model> model_ = *Model::Create(models::boolean_net());
};

TEST_F(BooleanNetTest, ComputesExclusiveOr) {
  EXPECT_THAT(Outputs({-1, 1, 1, -1}), ElementsAre(0, 1, 1, 0));
  EXPECT_EQ(Accuracy("xor", {-1, 1, 1, -1}), 1);
}

TEST_F(BooleanNetTest, ComputesOr) {
  EXPECT_THAT(Outputs({1, 0, -1, 1}), ElementsAre(0, 1, 1, 1));
  EXPECT_EQ(Accuracy("or", {1, 0, -1, 1}), 1);
  EXPECT_EQ(Accuracy("xor", {1, 0, -1, 1}), 0.75);
}

// relu((1, 2) . x) + relu((0, -1) . x): the transposed weights would give
// 0 0 3 2.
TEST_F(BooleanNetTest, ReadsItsWeightsTheRightWayRound) {
  EXPECT_THAT(Outputs({1, 2, 0, -1}), ElementsAre(0, 2, 1, 3));
}

}  // namespace
}  // namespace kiln
