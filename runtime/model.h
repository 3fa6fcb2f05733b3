// A model in memory: the parameters, and the compiled pipelines bound to them.
//
//   Model::Create(bundle)        reads the manifest, allocates, binds
//   Initialize / LoadParameters  gives the parameters their values
//   Infer, Evaluate, Gradient    run pipelines over rows of a data set
//
// Parameters and gradients are arenas laid out by the manifest's offsets. The
// parameters exist twice, because a fused training step reads one arena and
// writes the other (optimizer.h).

#ifndef KILN_RUNTIME_MODEL_H_
#define KILN_RUNTIME_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/arena.h"
#include "runtime/bundle.h"
#include "runtime/data_binding.h"
#include "runtime/manifest.h"
#include "runtime/pipeline.h"
#include "runtime/pipeline_family.h"
#include "runtime/weights_file.h"

namespace kiln {
inline namespace runtime {

// Sums over samples of the loss and of each metric (manifest's order).
struct Totals {
  int64_t samples = 0;
  double loss = 0;
  std::vector<double> metrics;

  double MeanLoss() const { return loss / static_cast<double>(samples); }
  double MeanMetric(int i) const {
    return metrics[i] / static_cast<double>(samples);
  }
};

class Model {
 public:
  // Errors: a manifest that contradicts itself or the bundle, no memory.
  static absl::StatusOr<std::unique_ptr<Model>> Create(const Bundle& bundle);

  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Manifest& manifest() const { return manifest_; }

  // --- Parameters -----------------------------------------------------------

  // Draws every parameter from its init. A function of `seed` and the manifest
  // alone; each parameter has its own stream of random numbers.
  void Initialize(uint64_t seed);

  // Reads the parameters by name from a safetensors file. Optimizer state in
  // the file is ignored. On an error nothing has changed.
  absl::Status LoadParameters(const std::string& path);
  // Writes them, atomically.
  absl::Status SaveParameters(const std::string& path,
                              const Metadata& metadata = {}) const;

  // The whole arena, and one tensor of it, row-major.
  absl::Span<const float> parameters() const {
    return parameters_[current_].floats();
  }
  absl::Span<const float> parameter(int i) const;
  void SetParameter(int i, absl::Span<const float> values);

  // --- Passes over data -----------------------------------------------------
  // Rows are positions in the data set, in [0, data.samples()); OutOfRange
  // otherwise. None of these makes a heap call once it has seen the batch size.

  // outputs[k]: rows x shape of output k, row-major; resized to fit.
  absl::Status Infer(const DataBinding& data, absl::Span<const int32_t> rows,
                     std::vector<std::vector<float>>& outputs);

  // Adds the loss and metrics of the rows to `totals`, with the evaluation
  // pipeline (no gradient).
  absl::Status Evaluate(const DataBinding& data, absl::Span<const int32_t> rows,
                        Totals& totals);
  // The same for every sample.
  absl::Status Evaluate(const DataBinding& data, Totals& totals);
  // Plans the latter, so that its first call makes no heap call either.
  void PrepareEvaluation(const DataBinding& data);

  // The gradient of the MEAN loss over the rows, into gradient(); adds to
  // `totals`. The same bits whatever the threads.
  absl::Status Gradient(const DataBinding& data, absl::Span<const int32_t> rows,
                        Totals& totals);
  // Laid out like the parameters; zero where frozen. REQUIRES: Gradient.
  absl::Span<const float> gradient() const;

 private:
  friend class Optimizer;  // updates parameters, runs fused steps

  explicit Model(Manifest manifest) : manifest_(std::move(manifest)) {}
  absl::Status BindPipelines(const Bundle& bundle);
  absl::Status Allocate();
  void MirrorParameters();
  absl::Status EnsureGradientSlots(int slots);

  // Points the first lanes of a call at `rows` and gives the rest weight 0.
  absl::Status FillLanes(const DataBinding& data,
                         absl::Span<const int32_t> rows, int64_t block);
  PipelineCall CallOn(const DataBinding& data);
  void AddTo(Totals& totals, int64_t samples) const;

  const Manifest manifest_;
  PipelineFamily infer_, eval_, grad_;
  PipelineFamily step_sgd_, step_momentum_;

  Arena parameters_[2];
  int current_ = 0;  // which of the two holds the values
  Arena gradients_;  // gradient_slots_ arenas, one after the other
  int gradient_slots_ = 0;
  Arena workspace_;

  // One call's lanes and results.
  std::vector<int32_t> index_;
  std::vector<float> weight_;
  float loss_ = 0;
  std::vector<float> metrics_;
  std::vector<AlignedVector<float>> outputs_;
  std::vector<float*> output_pointers_;
  std::vector<int32_t> all_rows_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_MODEL_H_
