// The inference graph: folded, and cut into what is computed once and what is
// computed for every sample.
#ifndef KILN_DSL_PREPARE_H_
#define KILN_DSL_PREPARE_H_

#include "absl/status/statusor.h"
#include "dsl/rewrite.h"

namespace kiln {

// A graph cut where it stops to depend on parameters alone.
struct PreparedSplit {
  Graph prepare;  // parameters -> outputs of kind kPrepared; without outputs
                  // when there is nothing to prepare
  Graph infer;    // the rest, where those are sources (PreparedOp) of the same
                  // names
};

// The outputs of `prepare` are the last nodes that no sample influences: those
// that a node which one does influence reads, or an output. Parameters
// themselves are not prepared.
PreparedSplit SplitPrepare(const Graph& graph);

struct InferencePlan {
  Graph folded;  // the heads, after all passes and before the cut
  Graph prepare, infer;
  Notes notes;
};

// The heads of `graph` (forward or training) as the infer pipelines compute
// them: the evaluation form, constants folded, identities removed, scales and
// shifts folded, dense layers collapsed, cut. Losses and gradients are those of
// the layers as written, so the other pipelines do not fold.
absl::StatusOr<InferencePlan> PlanInference(const Graph& graph);

}  // namespace kiln

#endif  // KILN_DSL_PREPARE_H_
