#ifndef KILN_RUNTIME_TRACE_H_
#define KILN_RUNTIME_TRACE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/bundle.h"
#include "runtime/data_binding.h"
#include "runtime/manifest.h"
#include "runtime/model.h"

namespace kiln {
inline namespace runtime {

// Every value of the model's training graph for one sample of the data, by the
// model's trace pipeline: result[i] is of manifest.nodes[i], row-major; a
// parameter is the model's present value. Gradients are of the sample's own
// loss, as if it were the whole batch. Computed in float64 from the float32
// parameters and data, so that it can be compared with a calculation on paper.
//
// OutOfRange when there is no such sample, FailedPrecondition when the model
// was built without a trace pipeline.
absl::StatusOr<std::vector<std::vector<double>>> TraceSample(
    const Bundle& bundle, const Model& model, const DataBinding& data,
    int64_t sample);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_TRACE_H_
