// The emitted float32 half of the gradient checks (gradient_check.h has the
// double half): heads, losses, metrics and gradients of a graph's pipelines, as
// Halide's JIT compiles them.
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
#include "tests/support/rounding_bounds.h"

namespace kiln {

struct EmittedCheckOptions {
  int block = 8;
  Schedule schedule = Schedule::kFast;
  std::set<std::string> zero =
      {};  // parameters whose gradient is zero because the case makes it so
  bool finite_differences = false;  // compare the gradients also with these
};

struct EmittedCheckReport {
  BoundReport bounds;           // against the interpreter, value by value
  int64_t differences = 0;      // gradients against the interpreter's loss
  int64_t own_differences = 0;  // gradients against the emitted loss
  int64_t blurred = 0;          // what the emitted loss is too coarse to say

  void Add(const EmittedCheckReport& other);
};

// Runs the infer and grad pipelines of `forward`, and compares heads, loss,
// metrics and gradients with the interpreter, within the rounding errors of
// their operations. Gradients are checked to be accumulated onto what the
// buffers held; all-zero or non-finite ones are errors.
//
// With `finite_differences`, gradients are compared
//  - with central differences of the interpreter's loss, in double; and
//  - along their own direction with central differences of the emitted float32
//    loss, where that is meaningful: rounding of the loss, divided by the step,
//    and the truncation that two steps show must leave 5 % of the slope at
//    most. Where they leave more, the case counts as `blurred`.
absl::StatusOr<EmittedCheckReport> CheckEmitted(
    const Graph& forward, const GraphValues& values,
    const EmittedCheckOptions& options);

// All cases of an op (OpCases), batches and blocks for one schedule, and the
// gradients also against finite differences. Reports its coverage.
void CheckOp(const std::string& op, Schedule schedule);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_EMITTED_CHECK_H_
