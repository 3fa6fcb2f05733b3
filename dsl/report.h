// What differentiation left out, counted: for the report of `summary`.
#ifndef KILN_DSL_REPORT_H_
#define KILN_DSL_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "dsl/rewrite.h"

namespace kiln {

// What a backward pass that also had the adjoint of the source `name` (an input
// or a frozen parameter) would cost on top, of one sample.
struct AdjointCost {
  int64_t flops = 0;
  int64_t bytes = 0;           // of values a sample
  int64_t gradient_bytes = 0;  // of gradients, once
};

// Counted by differentiating `forward` with that adjoint and without.
absl::StatusOr<AdjointCost> CostOfAdjoint(const Graph& forward,
                                          const std::string& name);

// The layers whose output, the pre-activation, no backward node of `training`
// reads, since their activation's derivative is one of its own output; by the
// activation's name.
struct DroppedPreactivation {
  std::string activation;
  int64_t values = 0;  // a sample
};
std::vector<DroppedPreactivation> DroppedPreactivations(const Graph& forward,
                                                        const Graph& training);

// A line each for the dropped pre-activations, the inputs' gradients and the
// frozen parameters' gradients. `training` is BuildTrainingGraph(forward).
absl::StatusOr<Notes> ReportBackward(const Graph& forward,
                                     const Graph& training);

}  // namespace kiln

#endif  // KILN_DSL_REPORT_H_
