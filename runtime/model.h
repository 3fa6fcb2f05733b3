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

#include <atomic>
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

  // How many threads run the blocks of a batch, in [1, kMaxThreads]; 1 at
  // first. Nothing that a model computes depends on it, not by a bit. Sizes the
  // pool (parallel.h), which is the process's: one model at a time. An error
  // is a lack of memory and leaves all as it was.
  absl::Status SetThreads(int threads);
  int threads() const { return threads_; }
  // How many of them a training step of this batch keeps busy.
  int ThreadsForStep(int64_t batch);

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
  // Random layers draw anew for each seed and step; what Gradient and training
  // steps compute is a function of both. Before the first call both are 0.
  void SetRandomKey(uint64_t seed, int64_t step);

  // FailedPrecondition, with what to do, when training cannot take a batch of
  // this size: statistics of the batch need it in one block.
  absl::Status CheckBatch(int64_t batch);

  // Laid out like the parameters; zero where frozen. REQUIRES: Gradient.
  absl::Span<const float> gradient() const;

 private:
  friend class Optimizer;  // updates parameters, runs fused steps

  explicit Model(Manifest manifest) : manifest_(std::move(manifest)) {}
  absl::Status BindPipelines(const Bundle& bundle);
  absl::Status Allocate();
  void MirrorParameters();
  absl::Status Prepare();
  // Makes the next values that Gradient has computed of the model's state
  // (running statistics) its present ones.
  void AdoptBuffers();
  absl::Status EnsureGradientSlots(int slots);
  // Plans a batch and allocates what Gradient needs for it.
  absl::Status PrepareGradient(int64_t batch);

  // What the calls of one thread at a time use.
  struct Worker {
    Arena workspace;
    std::vector<int32_t> index;
    std::vector<float> weight;
    std::vector<AlignedVector<float>> outputs;
    std::vector<float*> output_pointers;
  };
  absl::StatusOr<Worker> MakeWorker() const;
  absl::Status EnsureWorkers(int workers);
  // How many workers share work of so many FLOPs.
  int WorkersFor(int64_t flops) const;
  // How many share sums or updates of so many pieces (flat_buffer.h).
  int WorkersForPieces(size_t pieces) const;

  // Points the first lanes of a call at `rows` and gives the rest weight 0.
  static absl::Status FillLanes(const DataBinding& data,
                                absl::Span<const int32_t> rows, int64_t block,
                                Worker& worker);
  // What all calls on the data have in common.
  PipelineCall CallOn(const DataBinding& data) const;
  // The call that a worker makes for block `b` of a batch.
  PipelineCall CallOf(int worker, size_t b, PipelineCall call);
  // Runs block `b` of a plan for `rows`, with the pipeline that `family` has
  // for it. Its loss, metrics and status wait for Collect.
  void RunBlock(PipelineFamily& family, const BatchPlan& plan, size_t b,
                int worker, absl::Span<const int32_t> rows, PipelineCall call);
  size_t result_stride() const;  // floats between the blocks' results
  // Room for the results of a plan's blocks.
  void EnsureResults(size_t blocks);
  // Adds the blocks' results in their order. The first block's error, if any.
  absl::Status Collect(const BatchPlan& plan, Totals& totals) const;
  void AddTo(Totals& totals, size_t b, int64_t samples) const;

  // What a training step's plan depends on beside the batch's size.
  BatchWork work() const;
  // A gradient that is being computed, in two phases (parallel.h): every slot's
  // own sum, then the sum of the slots, piece by piece, into the first.
  struct GradientPass {
    const BatchPlan* plan;
    absl::Span<const int32_t> rows;
    PipelineCall call;
    int workers;  // for the slots
  };
  absl::StatusOr<GradientPass> StartGradient(const DataBinding& data,
                                             absl::Span<const int32_t> rows);
  void FillSlot(const GradientPass& pass, int worker, int slot);
  // Over [begin, begin + size). The pipeline's error code, or 0.
  int SumSlots(const GradientPass& pass, int64_t begin, int64_t size);

  const Manifest manifest_;
  PipelineFamily infer_, eval_, grad_;
  PipelineFamily step_sgd_, step_momentum_;
  PipelineFamily prepare_;  // one, or none when there is nothing to prepare

  Arena parameters_[2];
  int current_ = 0;  // which of the two holds the values
  Arena gradients_;  // gradient_slots_ arenas, one after the other
  int gradient_slots_ = 0;
  Arena prepared_;
  bool is_prepared_ = false;  // for the parameters as they are: whatever
                              // changes them makes it false
  uint32_t seed_ = 0, step_ = 0;

  int threads_ = 1;
  std::vector<Worker> workers_;  // threads_ of them, or more
  // Of each block of a batch: the loss and the metrics, on cache lines of its
  // own, and whether they are valid.
  AlignedVector<float> results_;
  std::vector<absl::Status> statuses_;
  std::atomic<bool> failed_{false};  // one of the statuses
  std::vector<int32_t> all_rows_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_MODEL_H_
