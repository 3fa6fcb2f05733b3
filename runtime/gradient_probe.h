#ifndef KILN_RUNTIME_GRADIENT_PROBE_H_
#define KILN_RUNTIME_GRADIENT_PROBE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/aligned.h"
#include "runtime/arena.h"
#include "runtime/bundle.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/pipeline.h"

namespace kiln {
inline namespace runtime {

// The gradient of the mean loss by one grad pipeline, and that loss.
struct ProbedGradient {
  std::string function;
  Arena arena;
  double loss = 0;
};

// A point in parameter space and a few random samples, at which every grad
// pipeline and the float64 loss can be asked: what a gradient check needs.
class GradientProbe {
 public:
  // The parameters are the model's initial ones plus a little noise, so that
  // zero biases do not leave ReLUs exactly at their kink.
  static absl::StatusOr<std::unique_ptr<GradientProbe>> Create(
      const Bundle& bundle, uint64_t seed);

  const Manifest& manifest() const { return model_->manifest(); }

  // Where Loss64 evaluates; laid out like the arena, free to be moved.
  AlignedVector<double>& parameters64() { return parameters64_; }

  // The mean loss over the samples at parameters64().
  absl::StatusOr<double> Loss64();

  // Of every grad pipeline, at the point that parameters64() started from.
  absl::StatusOr<std::vector<ProbedGradient>> Gradients();

 private:
  GradientProbe() = default;
  // Spreads samples [first, first + count) over the lanes of a block, so that
  // every part of a wide block has work in some lane.
  void FillLanes(int first, int count, int64_t block);
  // Calls `pipeline` until it has seen all samples; returns their mean loss.
  absl::StatusOr<double> Run(Pipeline& pipeline, PipelineCall call);

  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
  std::unique_ptr<Pipeline> loss64_;
  std::vector<Pipeline> grads_;
  Arena workspace_;
  Arena next_state_;  // what grad pipelines write of a model's state
  AlignedVector<double> parameters64_;
  uint32_t seed_ = 0;  // of random layers
  std::vector<int32_t> index_;
  std::vector<float> weight_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_GRADIENT_PROBE_H_
