// How long each stage of a training step takes.

#ifndef KILN_RUNTIME_PROFILE_H_
#define KILN_RUNTIME_PROFILE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/bundle.h"
#include "runtime/manifest.h"
#include "runtime/model.h"

namespace kiln {
inline namespace runtime {

struct ProfileOptions {
  int64_t steps = 1000;  // calls at most,
  double seconds = 2;    // and begun within so long; at least one
};

// Means over the quieter half of the calls, those that took no longer than the
// median, in microseconds.
struct Profile {
  const PipelineSpec* pipeline;  // the profiled one, of the model's manifest
  std::vector<double> stage_us = {};  // of each of its stages, without its mark
  double update_us = 0;  // a gradient's: of applying it, which a step includes
  bool update_has_momentum = false;
  double plain_us = 0;  // of the same pipeline without marks, called in turn
  double mark_us = 0;   // what a mark costs
  int64_t calls = 0;
  double peak_gflops = 0;  // of this core, the best of before and after
};

// Runs the model's profiled pipeline and its plain one in turn on one block of
// random data, on the calling thread, with a learning rate of 0. `model` is not
// changed, outlives the result and is of the bundle.
//
// FailedPrecondition when the model was built without PROFILE.
absl::StatusOr<Profile> MeasureProfile(const Bundle& bundle, const Model& model,
                                       const ProfileOptions& options);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PROFILE_H_
