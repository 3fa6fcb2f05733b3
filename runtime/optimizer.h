// Training steps: gradient and update, fused into one pipeline where the build
// has emitted one, apart where it has not. Both give the same weights to
// rounding.
//
// The definitions are those of PyTorch's torch.optim. With g the gradient of
// the batch's mean loss (clipped, if asked for), p a parameter, lr the learning
// rate times the parameter's own multiplier, wd the weight decay times its own:
//   sgd       g = g + wd p;                      p = p - lr g
//   momentum  g = g + wd p;  v = mu v + g;       p = p - lr v
//   nesterov  g = g + wd p;  v = mu v + g;       p = p - lr (g + mu v)
//   adam      g = g + wd p;  m = b1 m + (1 - b1) g;  s = b2 s + (1 - b2) g^2;
//             p = p - lr (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + epsilon)
//   adamw     p = p - lr wd p, then adam without weight decay
//   rmsprop   g = g + wd p;  s = alpha s + (1 - alpha) g^2;
//             p = p - lr g / (sqrt(s) + epsilon)
// at step t = 1, 2, ... All state starts at 0. Frozen parameters keep their
// values.

#ifndef KILN_RUNTIME_OPTIMIZER_H_
#define KILN_RUNTIME_OPTIMIZER_H_

#include <cstdint>
#include <string>
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

enum class OptimizerKind {
  kSgd,
  kMomentum,
  kNesterov,
  kAdam,
  kAdamW,
  kRmsprop
};

// "sgd", "momentum", "nesterov", "adam", "adamw" or "rmsprop"; InvalidArgument
// otherwise.
absl::StatusOr<OptimizerKind> ParseOptimizer(absl::string_view name);
const char* OptimizerName(OptimizerKind kind);
// "sgd, momentum, ... or rmsprop", for messages and help.
std::string OptimizerNames();
// Whether the optimizer reads HyperParameters::momentum.
bool UsesMomentum(OptimizerKind kind);

struct HyperParameters {
  double learning_rate = 0;
  double momentum = 0;  // kMomentum, kNesterov
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999;  // kAdam, kAdamW: in [0, 1)
  double alpha = 0.99;                // kRmsprop: in [0, 1)
  double epsilon = 1e-8;              // these three: a float above 0
};

class Optimizer {
 public:
  // State starts at zero. `model` outlives the optimizer.
  static absl::StatusOr<Optimizer> Create(Model& model, OptimizerKind kind);

  // Scales gradients whose norm is above `norm` down to it, as PyTorch's
  // clip_grad_norm_ does: by min(1, norm / (|g| + 1e-6)), |g| the Euclidean
  // norm of all parameters' gradients together. 0: never. Steps are then never
  // fused. Call before Prepare.
  void set_clip_norm(double norm) { clip_norm_ = norm; }

  // Plans batches of this size and allocates what they need, so that Step makes
  // no heap call.
  absl::Status Prepare(int64_t batch);

  // One training step on the rows as one batch. Adds the loss and metrics
  // before the update to `totals`. Clipping a gradient that is not finite is
  // Internal; the parameters are as they were.
  absl::Status Step(const DataBinding& data, absl::Span<const int32_t> rows,
                    const HyperParameters& hyper, Totals& totals);

  // Whether Step runs a batch of this size as one fused pipeline.
  bool IsFused(int64_t batch);
  // For tests and benchmarks: false takes gradient and update apart always.
  void set_allow_fused(bool allow) { allow_fused_ = allow; }

  // What is kept from step to step, each laid out like the parameters: {v} of
  // momentum and nesterov, {m, s} of adam and adamw, {s} of rmsprop.
  int state_count() const;
  absl::Span<const float> state(int i) const { return state_[i].floats(); }

 private:
  // A run of the arenas whose parameters are updated alike, and its pieces:
  // what one thread sums, clips and updates while it is in its cache. They are
  // the same whatever the threads.
  struct Group {
    int64_t begin, size;
    double learning_rate_multiplier, weight_decay_multiplier;
  };

  Optimizer(Model& model, OptimizerKind kind);
  Pipeline* FusedPipeline(int64_t batch);
  absl::Status FusedStep(Pipeline& pipeline, const DataBinding& data,
                         absl::Span<const int32_t> rows,
                         const HyperParameters& hyper, Totals& totals);
  // Gradient and update, in the phases of one pass over the threads.
  absl::Status StepApart(const DataBinding& data,
                         absl::Span<const int32_t> rows,
                         const HyperParameters& hyper, Totals& totals);
  // Calls the update pipeline; its error code.
  int UpdatePiece(const Group& piece, const HyperParameters& hyper);
  absl::Span<float> GradientOf(const Group& piece);

  Model* model_;
  OptimizerKind kind_;
  bool allow_fused_ = true;
  double clip_norm_ = 0;
  std::vector<Group> pieces_;
  std::vector<double> squares_;  // of each piece's gradient, when clipping
  std::vector<int> codes_;       // what each piece's pipelines returned
  Arena state_[2];
  // beta1^t and beta2^t, by multiplication: the same bits on every machine.
  double beta1_power_ = 1, beta2_power_ = 1;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_OPTIMIZER_H_
