// The models learn what they are meant to, with their model files' defaults.

#include <cstdint>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "lenet5.h"
#include "mnist_cnn.h"
#include "runtime/model.h"
#include "runtime/trainer.h"
#include "runtime/verbs/verb.h"
#include "tests/support/mnist.h"
#include "xor_mlp.h"
#include "xor_mlp_relu.h"
#include "xor_mlp_sigmoid.h"

namespace kiln {
namespace {

// Trains with the manifest's defaults; returns the accuracy on the test part.
double Accuracy(Model& model, const BoundData& data, uint64_t seed) {
  model.Initialize(seed);
  const Manifest& manifest = model.manifest();
  TrainingOptions options = *OptionsFromDefaults(manifest.defaults);
  options.seed = seed;
  Trainer trainer = *Trainer::Create(model, data.train(), nullptr, options);
  EXPECT_TRUE(trainer.Run().ok());
  Totals totals;
  EXPECT_TRUE(model.Evaluate(*data.test(), totals).ok());
  return totals.MeanMetric(manifest.FindMetric("accuracy"));
}

// How many of the seeds 1..seeds reach `accuracy`.
int SeedsThatReach(double accuracy, int seeds, const Bundle& bundle,
                   const std::string& source) {
  std::unique_ptr<Model> model = *Model::Create(bundle);
  const auto data = BoundData::Load(model->manifest(), {.source = source});
  EXPECT_TRUE(data.ok()) << data.status();
  if (!data.ok()) return 0;
  int reached = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const double result = Accuracy(*model, **data, seed);
    reached += result >= accuracy;
    testing::Test::RecordProperty("seed" + std::to_string(seed),
                                  std::to_string(result));
  }
  return reached;
}

TEST(ConvergenceTest, XorWithTanh) {
  EXPECT_GE(SeedsThatReach(1, 5, models::xor_mlp(), "xor"), 4);
}

TEST(ConvergenceTest, XorWithSigmoid) {
  EXPECT_GE(SeedsThatReach(1, 5, models::xor_mlp_sigmoid(), "xor"), 4);
}

// Four ReLUs of which some may be dead from the start: with three out of five
// seeds they find the solution.
TEST(ConvergenceTest, XorWithRelu) {
  EXPECT_GE(SeedsThatReach(1, 5, models::xor_mlp_relu(), "xor"), 3);
}

TEST(ConvergenceTest, NoisyXor) {
  EXPECT_EQ(SeedsThatReach(0.98, 1, models::xor_mlp(), "xor_cloud"), 1);
}

TEST(ConvergenceTest, DrawnDigits) {
  EXPECT_EQ(SeedsThatReach(0.97, 1, models::mnist_cnn(), "digits"), 1);
}

TEST(ConvergenceTest, MnistWithLenet5) {
  KILN_SKIP_WITHOUT_MNIST();
  EXPECT_GE(SeedsThatReach(0.98, 5, models::lenet5(), MnistDirectory()), 4);
}

TEST(ConvergenceTest, MnistWithMnistCnn) {
  KILN_SKIP_WITHOUT_MNIST();
  EXPECT_GE(SeedsThatReach(0.98, 5, models::mnist_cnn(), MnistDirectory()), 4);
}

}  // namespace
}  // namespace kiln
