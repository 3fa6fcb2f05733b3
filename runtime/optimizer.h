// Training steps: gradient and update, fused into one pipeline where the build
// has emitted one, apart where it has not. Both give the same weights to
// rounding.
//
// With g the gradient of the batch's mean loss, p a parameter, v its velocity,
// lr the learning rate times the parameter's own multiplier (PyTorch's SGD):
//   g = g + weight_decay p;   v = momentum v + g;   p = p - lr v.
// Plain SGD is the same without v. Frozen parameters keep their values.

#ifndef KILN_RUNTIME_OPTIMIZER_H_
#define KILN_RUNTIME_OPTIMIZER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/arena.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"

namespace kiln {
inline namespace runtime {

enum class OptimizerKind { kSgd, kMomentum };

// "sgd" or "momentum"; InvalidArgument otherwise.
absl::StatusOr<OptimizerKind> ParseOptimizer(absl::string_view name);
const char* OptimizerName(OptimizerKind kind);

struct HyperParameters {
  float learning_rate = 0;
  float momentum = 0;  // kMomentum only
  float weight_decay = 0;
};

class Optimizer {
 public:
  // State starts at zero. `model` outlives the optimizer.
  static absl::StatusOr<Optimizer> Create(Model& model, OptimizerKind kind);

  // Plans batches of this size and allocates what they need, so that Step makes
  // no heap call.
  absl::Status Prepare(int64_t batch);

  // One training step on the rows as one batch. Adds the loss and metrics
  // before the update to `totals`.
  absl::Status Step(const DataBinding& data, absl::Span<const int32_t> rows,
                    const HyperParameters& hyper, Totals& totals);

  // Whether Step runs a batch of this size as one fused pipeline.
  bool IsFused(int64_t batch);
  // For tests and benchmarks: false takes gradient and update apart always.
  void set_allow_fused(bool allow) { allow_fused_ = allow; }

  // The velocity of every parameter (kMomentum; else empty).
  absl::Span<const float> velocity() const {
    return velocity_[current_].floats();
  }

 private:
  // A run of the arenas whose parameters are updated alike.
  struct Group {
    int64_t begin, size;
    double learning_rate_multiplier;
  };

  Optimizer(Model& model, OptimizerKind kind);
  Pipeline* FusedPipeline(int64_t batch);
  absl::Status FusedStep(Pipeline& pipeline, const DataBinding& data,
                         absl::Span<const int32_t> rows,
                         const HyperParameters& hyper, Totals& totals);
  absl::Status Update(const HyperParameters& hyper);

  Model* model_;
  OptimizerKind kind_;
  bool allow_fused_ = true;
  std::vector<Group> groups_;
  Arena velocity_[2];  // a fused step writes the other one, like parameters
  int current_ = 0;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_OPTIMIZER_H_
