// The emitted float32 code against the interpreter, for single ops and whole
// models.
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
  int64_t values = 0;       // compared with the interpreter
  double worst = 0;         // relative to the largest value of its tensor
  int64_t differences = 0;  // gradients compared with finite differences
};

struct EmittedCheckOptions {
  int block = 8;
  Schedule schedule = Schedule::kFast;
  double tolerance = 1e-5;  // of a value, relative to the largest of its tensor
  std::set<std::string> zero =
      {};  // parameters whose gradient is zero because the case makes it so
  bool finite_differences = false;  // compare the gradients also with these
};

// Runs the infer and grad pipelines of `forward`, and compares heads, loss,
// metrics and gradients with the interpreter. Gradients are checked to be
// accumulated onto what the buffers held; all-zero or non-finite ones are
// errors.
absl::StatusOr<EmittedCheckReport> CheckEmitted(
    const Graph& forward, const GraphValues& values,
    const EmittedCheckOptions& options);

// All cases of an op (OpCases), batches and blocks for one schedule, and the
// gradients also against finite differences.
void CheckOp(const std::string& op, Schedule schedule);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_EMITTED_CHECK_H_
