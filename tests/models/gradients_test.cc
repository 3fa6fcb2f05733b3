// The gradient of every parameter of each model: the differentiated graph in
// the interpreter against finite differences.
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/support/gradient_check.h"
#include "tests/support/models.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

class ModelGradientTest : public ::testing::TestWithParam<std::string> {};

bool HasKinks(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name() == "max_pool") return true;
    // The loss's own max(z, 0) and |z| cancel, so that it is smooth.
    const std::string attributes = node.op->Attributes();
    if (absl::StrContains(attributes, "max(") &&
        !absl::StrContains(attributes, "sigmoid_cross_entropy"))
      return true;
  }
  return false;
}

TEST_P(ModelGradientTest, MatchesFiniteDifferences) {
  const auto model = BuildModel(GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  GradientCheckOptions options{.tolerance = 1e-8,
                               .element_limit = 40,
                               .random_elements = 16,
                               .directions = 8};
  if (HasKinks(model->graph)) {
    // A weight of a convolution moves thousands of pre-activations at once,
    // some of them near a kink: small steps, which the loss's rounding disturbs
    // more.
    options.step = 1e-6;
    options.tolerance = 3e-7;
  }
  // With some seeds a kink lies within the step, or a model's only ReLU is
  // dead.
  absl::StatusOr<GradientCheckReport> report;
  for (uint64_t seed = 3; seed < 20; ++seed) {
    report = CheckDifferentiation(model->graph,
                                  RandomValues(model->graph, 2, seed), options);
    const bool says_nothing =
        absl::IsOutOfRange(report.status()) ||
        absl::StrContains(report.status().message(), "is all zero");
    if (!says_nothing) break;
  }
  ASSERT_TRUE(report.ok()) << report.status();
  int64_t parameters = 0;
  for (const Node& node : model->graph.nodes())
    parameters += node.op->name() == "parameter";
  EXPECT_EQ(report->tensors, parameters);
  ReportCoverage("model " + GetParam(), "differences", report->tensors,
                 report->comparisons, report->worst_share);
}

INSTANTIATE_TEST_SUITE_P(Models, ModelGradientTest,
                         ::testing::ValuesIn(ModelStructures()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace kiln
