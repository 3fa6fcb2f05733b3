// Gradients by Halide's own automatic differentiation (propagate_adjoints) of
// the naive forward pipeline in float64: nothing of Kiln's derivatives, and of
// its lowering only the forward ops.
#ifndef KILN_TESTS_SUPPORT_HALIDE_ADJOINTS_H_
#define KILN_TESTS_SUPPORT_HALIDE_ADJOINTS_H_

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

// What Halide cannot differentiate as it is emitted, by the names of the Funcs.
struct HalideExceptions {
  // Refused: "Can't take the gradients of f, which depend on intermediate
  // values": a running maximum, whose steps read what earlier steps left. The
  // values of f were constants instead, and Halide found that the loss does
  // not depend on them: their adjoints vanish.
  std::set<std::string> constants;

  // Differentiated wrongly (https://github.com/halide/Halide/issues/7385): a
  // pure variable in several arguments of one call, f(i) = g(i % 2, i / 2). It
  // was a reduction variable instead. Halide copes with f(i) = g(h(i), i).
  std::set<std::string> reductions;
};

struct HalideAdjoints {
  double loss = 0;      // times the scale
  Gradients gradients;  // of the trainable parameters
  HalideExceptions exceptions;
};

// Fails with what Halide says when it refuses anything else. Inputs and targets
// must be exact in float32. The batch is one block, which has one more lane
// without a sample.
absl::StatusOr<HalideAdjoints> HalideGradients(const Graph& forward,
                                               const GraphValues& values);

// Both in double, each number a sum of at most some 1,000 terms, added in
// another order: 1,000 x 2^-53 of the sum of their absolute values, which is
// less than ten times the largest number of the tensor.
constexpr double kHalideTolerance = 1e-12;

struct HalideCheckReport {
  int64_t comparisons = 0;
  double worst = 0;  // relative to the largest number of its tensor
  HalideExceptions exceptions;
};

// Compares loss and gradients with the interpreter's of the differentiated
// graph. Gradients that are not finite are errors, and so are those that are
// all zero unless the parameter is in `zero`.
absl::StatusOr<HalideCheckReport> CheckAgainstHalide(
    const Graph& forward, const GraphValues& values,
    const std::set<std::string>& zero = {});

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_HALIDE_ADJOINTS_H_
