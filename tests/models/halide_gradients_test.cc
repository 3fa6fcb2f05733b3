// The gradients of whole networks against Halide's automatic differentiation of
// their forward pipelines.
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/support/halide_adjoints.h"
#include "tests/support/hand_nets.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

void Check(const std::string& name,
           const absl::StatusOr<HalideCheckReport>& report) {
  ASSERT_TRUE(report.ok()) << report.status();
  ReportCoverage("model " + name, "halide", 1, report->comparisons,
                 report->worst / kHalideTolerance);
}

class HalideGradientsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(HalideGradientsTest, AreTheModels) {
  const auto model = BuildModel(GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  // With some seeds a model's only ReLU is dead.
  absl::StatusOr<HalideCheckReport> report;
  for (uint64_t seed = 3; seed < 20; ++seed) {
    report =
        CheckAgainstHalide(model->graph, RandomValues(model->graph, 2, seed));
    if (!absl::StrContains(report.status().message(), "is all zero")) break;
  }
  Check(GetParam(), report);
}

INSTANTIATE_TEST_SUITE_P(Models, HalideGradientsTest,
                         ::testing::ValuesIn(ModelStructures()),
                         [](const auto& info) { return info.param; });

TEST(HalideGradientsOfHandNetsTest, AreTheNets) {
  const auto boolean = BooleanNet(), logistic = LogisticNet(),
             relus = TwoRelus();
  ASSERT_TRUE(boolean.ok() && logistic.ok() && relus.ok());
  Check("BooleanNet",
        CheckAgainstHalide(boolean->graph, RandomValues(boolean->graph, 3, 3)));
  Check("LogisticNet", CheckAgainstHalide(logistic->graph,
                                          RandomValues(logistic->graph, 3, 3)));
  GraphValues away_from_kinks = TwoRelusValues();
  for (double& x : away_from_kinks.tensors.at("x")) x += 0.5;
  Check("TwoRelus", CheckAgainstHalide(relus->graph, away_from_kinks));
}

}  // namespace
}  // namespace kiln
