// How many bytes a pipeline has to move, by a model that any schedule of it is
// held to:
//   data          the rows of the batch are read once
//   parameters    read in the forward pass, and once more where the backward
//                 pass or the parameter's own update reads them; the updated
//                 ones written once
//   optimizer     state read once, written once
//   gradients     a pipeline that adds to them, or stores the first, reads and
//                 writes them; adding one slot to another reads two and writes
//                 one; an update apart reads them
//   activations   a layer's value that the backward pass reads is written once
//                 and read once. Reshapes are no value of their own.
//   outputs       written once
// Not counted is what a schedule could keep in registers or in the first cache:
// values between layers in inference, adjoints, tiles, packed copies.
#ifndef KILN_BENCH_TRAFFIC_H_
#define KILN_BENCH_TRAFFIC_H_

#include <cstdint>

#include "bench/memory.h"
#include "runtime/manifest.h"

namespace kiln {

// Of one call of a pipeline with all its lanes in use.
Traffic PipelineTraffic(const Manifest& manifest, const PipelineSpec& spec);

// Of a training step with momentum on `batch` samples: the fused pipeline's, or
// that of all blocks' gradients, a slot each, and the update. The blocks are
// here the largest that fit; a plan that prefers others moves a little more.
Traffic StepTraffic(const Manifest& manifest, int64_t batch, bool fused);

// The bytes of a sample's values that the backward pass reads.
int64_t SavedBytes(const Manifest& manifest);

}  // namespace kiln

#endif  // KILN_BENCH_TRAFFIC_H_
