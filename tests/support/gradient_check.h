// Gradients against central finite differences of the interpreter's loss, in
// double.
//
// For parameter p and step h, D(h) = (L(p + h) - L(p - h)) / 2h, extrapolated
// once: (4 D(h/2) - D(h)) / 3, whose error is of order h^4. Where D(h) and
// D(h/2) disagree the loss has a kink within h of the point: that is a failure
// of the case, which must choose other inputs, never a reason to skip.
#ifndef KILN_TESTS_SUPPORT_GRADIENT_CHECK_H_
#define KILN_TESTS_SUPPORT_GRADIENT_CHECK_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

struct GradientCheckOptions {
  // h = step * max(1, |p|). Larger is quieter, smaller stays on one side of
  // more kinks.
  double step = 1e-4;

  // Tried in turn where rounding of the loss hides what a smaller step sees.
  std::vector<double> larger_steps = {};

  // Allowed difference, relative to the largest element of the tensor's
  // gradient (for a projection: to its norm).
  double tolerance = 1e-8;

  // Of what the loss is computed from, where that is larger than the loss: its
  // rounding noise is some ulps of it.
  double magnitude = 0;

  // Tensors of more elements are checked by this many random elements and this
  // many random +-1 directions.
  int64_t element_limit = 256;
  int64_t random_elements = 24;
  int64_t directions = 8;
  uint64_t seed = 1;

  // Parameters whose gradient is zero because the case makes it so; all others
  // must not be.
  std::set<std::string> zero = {};
};

struct GradientCheckReport {
  int64_t tensors = 0;
  int64_t comparisons = 0;
  double worst = 0;        // largest difference, relative as in `tolerance`
  double worst_share = 0;  // of what was allowed, roundoff included
};

// Checks `gradients` (one per trainable parameter, no more and no fewer)
// against finite differences of the loss of `forward` on `values`. The error
// names the parameter, the element and both numbers. Non-finite and all-zero
// gradients are errors. So are a loss whose rounding noise hides the gradient
// (DataLoss: a larger step may do) and one with a kink (OutOfRange: other
// values may do).
absl::StatusOr<GradientCheckReport> CheckGradients(
    const Graph& forward, const GraphValues& values, const Gradients& gradients,
    const GradientCheckOptions& options = {});

// Differentiates `forward`, runs all passes and checks what the interpreter
// makes of the result.
absl::StatusOr<GradientCheckReport> CheckDifferentiation(
    const Graph& forward, const GraphValues& values,
    const GradientCheckOptions& options = {});

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_GRADIENT_CHECK_H_
