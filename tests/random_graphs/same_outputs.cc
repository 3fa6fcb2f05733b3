#include "tests/random_graphs/same_outputs.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/random_graphs/failures.h"

namespace kiln {

absl::StatusOr<OutputValues> OutputsOf(const Graph& graph,
                                       const GraphValues& values) {
  const absl::StatusOr<NodeValues> nodes = Interpret(graph, values);
  if (!nodes.ok()) return nodes.status();
  OutputValues outputs;
  for (const Output& output : graph.outputs()) {
    outputs[{output.kind, output.name}] = (*nodes)[output.node];
  }
  return outputs;
}

absl::Status ExpectSame(const Graph& graph, const GraphValues& values,
                        OutputValues expected,
                        const std::vector<OutputKind>& kinds,
                        int64_t* compared) {
  if (absl::Status status = Verify(graph); !status.ok()) return status;
  if (!kinds.empty()) {
    std::erase_if(expected, [&](const auto& entry) {
      return std::find(kinds.begin(), kinds.end(), entry.first.first) ==
             kinds.end();
    });
  }
  const absl::StatusOr<OutputValues> actual = OutputsOf(graph, values);
  if (!actual.ok()) return actual.status();
  if (actual->size() != expected.size()) {
    return Wrong(absl::StrCat("has ", actual->size(), " outputs, not ",
                              expected.size()));
  }
  for (const auto& [key, wanted] : expected) {
    const auto found = actual->find(key);
    if (found == actual->end()) {
      return Wrong(absl::StrCat("lacks the output ", key.second));
    }
    const std::vector<double>& given = found->second;
    if (given.size() != wanted.size()) {
      return Wrong(absl::StrCat("output ", key.second, " has another size"));
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (std::memcmp(&given[i], &wanted[i], sizeof(double)) != 0) {
        return Wrong(absl::StrFormat("output %s[%d] is %.17g, not %.17g",
                                     key.second, i, given[i], wanted[i]));
      }
    }
    *compared += static_cast<int64_t>(wanted.size());
  }
  return absl::OkStatus();
}

}  // namespace kiln
