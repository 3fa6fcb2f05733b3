#include "tests/support/trace_check.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kiln {

absl::Status CheckTrace(
    const Graph& training, const GraphValues& values,
    const std::map<std::string, std::vector<double>>& trace) {
  const absl::StatusOr<NodeValues> expected = Interpret(training, values);
  if (!expected.ok()) return expected.status();
  size_t traced = 0;
  for (NodeId id = 0; id < training.size(); ++id) {
    const Node& node = training.node(id);
    if (node.op->name() == "parameter") continue;
    const auto found = trace.find(node.name);
    if (found == trace.end())
      return absl::NotFoundError(node.name + " is not traced");
    ++traced;
    const std::vector<double>& right = (*expected)[id];
    if (found->second.size() != right.size())
      return absl::InternalError(node.name + " has another size");
    double largest = 0;
    for (double value : right) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < right.size(); ++i) {
      if (!(std::abs(found->second[i] - right[i]) <= 1e-12 * largest)) {
        return absl::FailedPreconditionError(
            absl::StrFormat("%s[%d] is %.17g, not %.17g", node.name, i,
                            found->second[i], right[i]));
      }
    }
  }
  if (traced == trace.size()) return absl::OkStatus();
  return absl::InternalError("nodes are traced that the graph has not");
}

}  // namespace kiln
