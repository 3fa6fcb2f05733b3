// Comparison of gradients that are sums of the same terms in another order.
#ifndef KILN_TESTS_RANDOM_GRAPHS_REORDERED_SUMS_H_
#define KILN_TESTS_RANDOM_GRAPHS_REORDERED_SUMS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

// A bound on the rounding errors of the gradients of `training`, which extends
// a forward graph of `forward_size` nodes by adjoints.
absl::StatusOr<Gradients> RoundingErrors(const Graph& training,
                                         int forward_size,
                                         const GraphValues& values);

// That the gradients agree to within the sum of both errors. Adds the numbers
// compared to `compared`.
absl::Status ExpectClose(const Gradients& actual, const Gradients& expected,
                         const Gradients& error_a, const Gradients& error_b,
                         int64_t* compared);

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_REORDERED_SUMS_H_
