// Trace pipelines of every op: each node's value, forward and backward, against
// the interpreter.
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/jit.h"
#include "tests/support/op_cases.h"
#include "tests/support/report.h"
#include "tests/support/trace_check.h"

namespace kiln {
namespace {

class TraceTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TraceTest, IsTheInterpretersValueOfEveryNode) {
  const std::vector<OpCase> cases = OpCases(GetParam(), /*batch=*/1);
  ASSERT_FALSE(cases.empty());
  // The shapes that the lowerings tell apart are covered by the op's own test.
  std::vector<const OpCase*> some = {&cases[cases.size() / 2]};
  if (cases.size() > 1) some.push_back(&cases.back());
  for (const OpCase* op_case : some) {
    SCOPED_TRACE(op_case->name);
    const auto training = BuildTrainingGraph(op_case->graph);
    ASSERT_TRUE(training.ok()) << training.status();
    // Cases of batch statistics have more samples than asked for.
    const GraphValues one = SampleOf(*training, op_case->values, 0);
    const auto result =
        RunJit(*training, {PipelineKind::kTrace, 1, Schedule::kNaive, ""}, one);
    ASSERT_TRUE(result.ok()) << result.status();
    const absl::Status status = CheckTrace(*training, one, result->trace);
    EXPECT_TRUE(status.ok()) << status;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, TraceTest, ::testing::ValuesIn(OpCaseNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace kiln
