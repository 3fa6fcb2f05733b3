// The emitted float32 code against the interpreter, for single ops and whole models.
#ifndef KILN_TESTS_SUPPORT_EMITTED_CHECK_H_
#define KILN_TESTS_SUPPORT_EMITTED_CHECK_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "generators/arguments.h"
#include "gtest/gtest.h"
#include "tests/support/interpreter.h"
#include "tests/support/op_cases.h"

namespace kiln {

struct EmittedCheckReport {
  int64_t values = 0;  // compared
  double worst = 0;    // relative to the largest value of its tensor
};

// Runs the infer, eval and grad pipelines of `forward` for this block and schedule, and compares heads, loss, metrics and
// gradients with the interpreter: each value within `tolerance` of the largest of its tensor. Gradients are checked to
// be accumulated onto what the buffers held, and all-zero or non-finite gradients are errors unless in `zero`.
absl::StatusOr<EmittedCheckReport> CheckEmitted(const Graph& forward, const GraphValues& values, int block,
                                                Schedule schedule, double tolerance,
                                                const std::set<std::string>& zero = {});

// All cases of an op (OpCases), batches and blocks for one schedule, and the gradients also against finite differences.
void CheckOp(const std::string& op, Schedule schedule);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_EMITTED_CHECK_H_
