// One list of small graphs for every op, in several shapes: differentiation is
// checked on them by finite differences of the interpreter (tests/dsl), and the
// emitted code against the interpreter (tests/ops).
#ifndef KILN_TESTS_SUPPORT_OP_CASES_H_
#define KILN_TESTS_SUPPORT_OP_CASES_H_

#include <string>
#include <vector>

#include "dsl/graph.h"
#include "tests/support/gradient_check.h"
#include "tests/support/interpreter.h"

namespace kiln {

struct OpCase {
  std::string name;  // letters, digits and '_'
  Graph graph;  // forward, with a loss and a head "value": what the op computes
  GraphValues values;  // away from kinks
  GradientCheckOptions options = {};
};

// Every case feeds the op with trained values (GraphMaker::Trained), so that
// the adjoint of each of its inputs is the gradient of a parameter, and
// multiplies what it gives with a random target, so that its own adjoint is
// random. Cases of the op with the basename `op`: "conv2d", "dense",
// "max_pool", ...
std::vector<OpCase> OpCases(const std::string& op, int64_t batch);

// The basenames that have cases.
std::vector<std::string> OpCaseNames();

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_OP_CASES_H_
