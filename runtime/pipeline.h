// A compiled pipeline with its arguments laid out once.
//
// Halide's argv convention wants an array of pointers: to a halide_buffer_t for
// a buffer, to the value for a scalar. Pipeline builds the buffers from the
// manifest when it is created; a call only fills in base addresses, so it makes
// no heap call. One Pipeline serves one call at a time: use one per thread.

#ifndef KILN_RUNTIME_PIPELINE_H_
#define KILN_RUNTIME_PIPELINE_H_

#include <HalideRuntime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/bundle.h"
#include "runtime/data_binding.h"
#include "runtime/manifest.h"

namespace kiln {
inline namespace runtime {

// Base addresses and scalars of one call. Members that the pipeline's kind does
// not use stay null. All float arenas are laid out by the manifest's offsets.
struct PipelineCall {
  // Of `accumulate`: the bits that are kept of what `gradient` holds.
  static constexpr uint32_t kAdd = ~uint32_t{0}, kStore = 0;

  const DataBinding* data = nullptr;
  const float* parameters = nullptr;
  const double* parameters64 = nullptr;
  float* parameters_out = nullptr;  // step: not the same as parameters; grad
                                    // of a model with buffers: their next
                                    // values, at their offsets
  const float* prepared = nullptr;  // infer: what prepare has computed
  float* prepared_out = nullptr;    // prepare
  const float* state = nullptr;
  float* state_out = nullptr;  // step: may be `state`, of which each element
                               // is read last where it is written
  float* gradient = nullptr;   // grad: added to or stored, by `accumulate`
  const int32_t* index = nullptr;  // [block] rows of the data set
  const float* weight = nullptr;   // [block] 1, or 0 for an unused lane
  float scale = 1;                 // of the gradient: 1 / batch
  uint32_t accumulate = kAdd;      // grad: or kStore
  float learning_rate = 0;
  float momentum = 0;
  float weight_decay = 0;
  uint32_t seed = 0;                // of dropout and random slopes
  uint32_t step = 0;                // of training, from 0: the same
  void* workspace = nullptr;        // 64-byte aligned, workspace_bytes long
  float* const* outputs = nullptr;  // infer: per output, [block, shape...]
  float* loss = nullptr;            // sum over lanes of weight * loss
  double* loss64 = nullptr;         // the same, in double
  float* metrics = nullptr;         // per metric, like loss
  void* const* trace = nullptr;     // trace: per node of the manifest, doubles
                                    // or int32s; null for parameters
};

class Pipeline {
 public:
  // Lays out the arguments of `spec`. `manifest` has passed CheckManifest, and
  // with `spec` outlives the result. NotFound when `bundle` has no such
  // function.
  static absl::StatusOr<Pipeline> Bind(const Bundle& bundle,
                                       const Manifest& manifest,
                                       const PipelineSpec& spec);

  // A pipeline of the same arguments, for another thread.
  Pipeline Clone() const;

  const PipelineSpec& spec() const { return *spec_; }

  // Runs the pipeline. Internal, with Halide's message, when it reports an
  // error.
  absl::Status Call(const PipelineCall& call);

 private:
  // What an argument needs at call time beside its buffer's layout.
  struct Slot {
    ArgumentKind kind;
    int64_t offset = 0;  // floats into its arena
    int tensor = 0;      // position among inputs, targets, outputs, metrics
                         // or nodes
  };

  Pipeline() = default;
  void AddBuffer(halide_type_t type, const std::vector<int64_t>& shape,
                 int64_t outermost);
  // Once the buffers' and dimensions' addresses are final.
  void LinkBuffers();

  const PipelineSpec* spec_ = nullptr;
  int (*function_)(void**) = nullptr;
  std::vector<Slot> slots_;
  std::vector<halide_buffer_t> buffers_;  // scalars leave theirs unused
  std::vector<std::vector<halide_dimension_t>> dimensions_;
  std::vector<void*> argv_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PIPELINE_H_
