// A reference interpreter of graphs: plain loops in double precision, no
// Halide. Every other way to compute a graph is tested against it.
#ifndef KILN_TESTS_SUPPORT_INTERPRETER_H_
#define KILN_TESTS_SUPPORT_INTERPRETER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/rounded.h"

namespace kiln {

// What a graph is evaluated on: one batch.
struct GraphValues {
  int64_t batch = 1;

  // By node name, row-major: parameters [shape]; inputs and targets [batch x
  // shape], as a data set stores them (an input's scale is applied by the
  // interpreter, a label is its class).
  std::map<std::string, std::vector<double>> tensors = {};

  // The sample_weight node is weights[n] * scale; no weights are weights of 1.
  std::vector<double> weights = {};
  double scale = 1;

  // Of random tensors. Sample n is row rows[n] of the data set, or row n.
  std::vector<int64_t> rows = {};
  uint32_t seed = 1;
  uint32_t step = 0;
};

// The values of sample n alone.
GraphValues SampleOf(const Graph& graph, const GraphValues& values, int64_t n);

// A node's value, row-major: [batch x shape] when it is per sample, else
// [shape] (for gradients: summed over the batch).
using NodeValues = std::vector<std::vector<double>>;

// The same, each with a bound on the rounding errors of float32 code.
using NodeBounds = std::vector<std::vector<Rounded>>;

// The values of all nodes, by id. Fails when a source has no values, too few or
// too many of them, or a label is not a class.
absl::StatusOr<NodeValues> Interpret(const Graph& graph,
                                     const GraphValues& values);
absl::StatusOr<NodeBounds> InterpretRounded(const Graph& graph,
                                            const GraphValues& values);

// The sum over the batch of weight * scale * loss: what gradients are gradients
// of. REQUIRES: the graph has a loss.
absl::StatusOr<double> InterpretLoss(const Graph& graph,
                                     const GraphValues& values);

// The kGradient outputs of a differentiated graph, by parameter.
using Gradients = std::map<std::string, std::vector<double>>;
absl::StatusOr<Gradients> InterpretGradients(const Graph& training,
                                             const GraphValues& values);

// The weight of sample n, without the scale and with it.
double BareWeight(const GraphValues& values, int64_t n);
double SampleWeight(const GraphValues& values, int64_t n);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_INTERPRETER_H_
