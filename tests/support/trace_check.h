// What a trace pipeline gives, in float64, against the interpreter.
#ifndef KILN_TESTS_SUPPORT_TRACE_CHECK_H_
#define KILN_TESTS_SUPPORT_TRACE_CHECK_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

// Whether `trace` has every node of `training` but the parameters, and nothing
// else, each with the interpreter's values to 1e-12 of the tensor's largest.
absl::Status CheckTrace(
    const Graph& training, const GraphValues& values,
    const std::map<std::string, std::vector<double>>& trace);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_TRACE_CHECK_H_
