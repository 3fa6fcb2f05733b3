#ifndef KILN_RUNTIME_GRADIENT_CHECK_H_
#define KILN_RUNTIME_GRADIENT_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/bundle.h"

namespace kiln {
inline namespace runtime {

// The emitted gradients against the emitted loss.
//
// Every `grad` pipeline (all blocks) computes the float32 gradient of the mean
// loss over a few random samples. The float64 `loss64` pipeline, which shares
// no schedule and no derivative with them, gives the same gradient by central
// differences: along single parameters, and along random directions of +-1
// through a whole tensor, which no element escapes.
//
// The parameters are the model's initial ones plus a little noise, so that
// zero biases do not leave ReLUs exactly at their kink. A maximum, or a ReLU,
// may still be so close to a tie that rounding in float32 decides it, one point
// in a hundred of a small convolutional network. Where a point's gradients
// differ, and only that, two more points judge: both must pass.
struct GradientCheckOptions {
  uint64_t seed = 1;
  int64_t elements = 24;  // per tensor; all of a tensor with fewer
  int64_t directions = 2;
  // On the error relative to the tensor's largest gradient, along a direction
  // to its norm. Rounding leaves some 1e-6; docs/gradients.md says more.
  double tolerance = 1e-4;
};

struct ParameterCheck {
  std::string name;
  std::vector<int64_t> shape;
  int64_t elements = 0;    // compared one by one
  int64_t directions = 0;  // compared as projections
  double largest_gradient = 0;
  // Largest |emitted - difference| over elements and pipelines, and the same
  // divided by the tensor's largest gradient; for projections on a direction
  // the divisor is the gradient's norm.
  double max_absolute_error = 0;
  double max_relative_error = 0;
  std::string failure;   // empty: passed; else why, and in which pipeline
  bool differs = false;  // why it failed: numbers differ, none is zero or NaN
};

struct GradientCheck {
  std::vector<ParameterCheck> parameters;  // frozen ones have none
  std::vector<std::string> pipelines;      // checked
  double loss = 0;    // of the grad pipeline furthest from loss64
  double loss64 = 0;  // mean over the samples
  bool loss_agrees = false;
  bool passed() const;

  // Failed points that two others overruled: 0 or 1.
  int ties = 0;
};

// Errors: a bundle without grad or loss64 pipelines, or one that fails to run.
// A wrong gradient is not an error but a result.
absl::StatusOr<GradientCheck> CheckGradients(
    const Bundle& bundle, const GradientCheckOptions& options);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_GRADIENT_CHECK_H_
