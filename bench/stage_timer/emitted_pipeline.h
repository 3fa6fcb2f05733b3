// Pipelines that a model's generator has emitted, linked as shared objects and
// loaded to be timed on made-up data.
#ifndef KILN_BENCH_STAGE_TIMER_EMITTED_PIPELINE_H_
#define KILN_BENCH_STAGE_TIMER_EMITTED_PIPELINE_H_

#include <HalideRuntime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace kiln {

// One emission: PATH.so and the record PATH.json beside it.
struct EmittedPipeline {
  std::string path;
  int (*function)(void**) = nullptr;
  const halide_filter_metadata_t* metadata = nullptr;
  std::vector<std::string> argument_kinds;         // of the record
  std::vector<std::string> argument_tensors;       // the same; "" without one
  std::vector<std::vector<int>> argument_extents;  // -1: of all samples
  int block = 1;
  int64_t workspace_bytes = 0;
  std::vector<std::string> stages;  // empty unless emitted with profile=true
};

// Errors, naming the file: not there, not loadable, no record.
absl::StatusOr<EmittedPipeline> LoadEmitted(const std::string& path);

// The arguments of one pipeline, which all its emissions share so that they
// work on the same memory: small numbers of both signs, rows and labels in
// range. An optimizer's state is updated in place, as in training.
class SharedArguments {
 public:
  // The extents are those of the records, since a release's pipelines answer no
  // bounds query. Errors: the emissions are not of one pipeline, or one refuses
  // the arguments.
  static absl::StatusOr<SharedArguments> Make(
      const std::vector<EmittedPipeline>& pipelines);

  void** argv() { return argv_.data(); }

 private:
  SharedArguments() = default;
  void LayOut(const EmittedPipeline& pipeline);
  void Allocate(const EmittedPipeline& pipeline, int64_t workspace_bytes);

  // Vectors whose elements' addresses are passed on: not resized once laid out.
  std::vector<halide_buffer_t> buffers_;
  std::vector<std::vector<halide_dimension_t>> dimensions_;
  std::vector<float> scalars_;
  std::vector<void*> argv_;
  std::unique_ptr<unsigned char[]> memory_;
  std::unique_ptr<void*> workspace_ = std::make_unique<void*>(nullptr);
};

}  // namespace kiln

#endif  // KILN_BENCH_STAGE_TIMER_EMITTED_PIPELINE_H_
