// Whether two schedules of a pipeline compute the same.
#ifndef KILN_BENCH_AGREEMENT_H_
#define KILN_BENCH_AGREEMENT_H_

#include <string>

#include "runtime/bundle.h"
#include "runtime/manifest.h"

namespace kiln {

// Runs the pipeline `spec` of `bundle`, and that of the same kind, block and
// optimizer of `reference`, on the same random data and weights: "" when each
// result is within 1e-4 of the largest magnitude of its kind (a gradient's sum
// in another order differs by far less), else what differs and by how much. ""
// too when the reference has no such pipeline, and for loss64 and trace, which
// are naive always.
std::string Disagreement(const Bundle& bundle, const PipelineSpec& spec,
                         const Bundle& reference);

}  // namespace kiln

#endif  // KILN_BENCH_AGREEMENT_H_
