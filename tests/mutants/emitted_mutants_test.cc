// Wrong gradients, compiled: the code of mutants is told from the right one by
// the bounds that emitted code is held to. Mutants of the interpreter's own
// arithmetic are in mutants_test; these show that nothing on the way to machine
// code blurs the difference.
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/mutants/mutants.h"
#include "tests/support/jit.h"
#include "tests/support/op_cases.h"
#include "tests/support/report.h"
#include "tests/support/rounding_bounds.h"

namespace kiln {
namespace {

// Compiles the training graph and compares its gradients with the right ones.
absl::Status CheckCode(const Graph& graph, const OpCase& c,
                       const RoundedTensors& right) {
  const absl::StatusOr<Graph> training = Optimize(graph);
  if (!training.ok()) return training.status();
  const auto result = RunJit(
      *training, {PipelineKind::kGrad, 8, Schedule::kFast, ""}, c.values);
  if (!result.ok()) return result.status();
  return BoundCheck().Compare("gradient", result->gradients, right);
}

class EmittedMutantsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(EmittedMutantsTest, AreAllCaught) {
  // The op's second case: the first of some is trivial.
  const OpCase c = OpCases(GetParam(), /*batch=*/11).at(1);
  const Graph training = BuildTrainingGraph(c.graph).value();
  const RoundedTensors right =
      InterpretOutputs(training, c.values).value().gradients;
  const absl::Status unbroken = CheckCode(training, c, right);
  ASSERT_TRUE(unbroken.ok()) << unbroken;

  int64_t caught = 0, total = 0;
  std::map<std::string, int> of_rule;
  for (const Mutant& mutant : MutantsOf(GetParam(), c.graph)) {
    // The subtlest, the plainest and a few in between of every rule.
    const bool always =
        mutant.change == "times 1.01" || mutant.change == "sign";
    if (!mutant.emittable || (!always && ++of_rule[mutant.rule] > 6)) continue;
    const std::string what = absl::StrCat(mutant.rule, ": ", mutant.change);
    const auto wrong = InterpretOutputs(mutant.graph, c.values);
    ASSERT_TRUE(wrong.ok()) << what << ": " << wrong.status();
    if (AreEquivalent(wrong->gradients, right)) continue;
    ++total;
    const absl::Status status = CheckCode(mutant.graph, c, right);
    EXPECT_TRUE(absl::StrContains(status.message(), "rounding explains"))
        << what << ": " << status;
    caught += absl::StrContains(status.message(), "rounding explains");
  }
  EXPECT_GT(total, 0);
  ReportMutants(GetParam() + ", emitted", caught, total, 0);
}

INSTANTIATE_TEST_SUITE_P(Ops, EmittedMutantsTest,
                         ::testing::ValuesIn(OpCaseNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace kiln
