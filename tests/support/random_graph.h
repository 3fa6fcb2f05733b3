// Random well-typed models: what the fixed models and the cases of single ops
// leave out is how ops meet.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/model.h"
#include "tests/support/interpreter.h"

namespace kiln {

struct RandomGraphOptions {
  // Layers before the losses; joining what is left over adds some.
  int least_layers = 4;
  int most_layers = 14;
};

struct RandomGraph {
  Model model;
  // What of RandomGraphFeatures() it has, and "activation <name>" of each
  // activation.
  std::set<std::string> features;
};

// What the generator can do besides single ops.
const std::vector<std::string>& RandomGraphFeatures();

// The model of this seed, the same on every machine. Every trainable parameter
// influences the loss. An error is the builder's: a bug there or here.
absl::StatusOr<RandomGraph> MakeRandomGraph(
    uint64_t seed, const RandomGraphOptions& options = {});

// RandomValues with inputs of both signs and parameters large enough that
// signals neither die out nor saturate in a dozen layers.
GraphValues RandomGraphValues(const Graph& graph, int64_t batch, uint64_t seed);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_H_
