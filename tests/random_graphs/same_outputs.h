// Comparison of what two graphs compute, bit by bit.
#ifndef KILN_TESTS_RANDOM_GRAPHS_SAME_OUTPUTS_H_
#define KILN_TESTS_RANDOM_GRAPHS_SAME_OUTPUTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

using OutputKey = std::pair<OutputKind, std::string>;
using OutputValues = std::map<OutputKey, std::vector<double>>;

absl::StatusOr<OutputValues> OutputsOf(const Graph& graph,
                                       const GraphValues& values);

// That `graph` computes exactly `expected`, bit by bit; of these only the
// kinds listed, if any are. Adds the numbers compared to `compared`.
absl::Status ExpectSame(const Graph& graph, const GraphValues& values,
                        OutputValues expected,
                        const std::vector<OutputKind>& kinds,
                        int64_t* compared);

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_SAME_OUTPUTS_H_
