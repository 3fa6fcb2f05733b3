// Runs the emitted pipelines of a graph in this process, compiled by Halide's
// JIT, on the interpreter's values.
#ifndef KILN_TESTS_SUPPORT_JIT_H_
#define KILN_TESTS_SUPPORT_JIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "generators/arguments.h"
#include "tests/support/interpreter.h"
#include "tests/support/pipeline_result.h"

namespace kiln {

// A compiled pipeline. Samples of a batch are dealt to blocks in order; the
// lanes of the last block past the end have the weight 0 and, as in training,
// the index of its first.
class JitPipeline {
 public:
  // `training` is what BuildTrainingGraph gave (for kInfer, kEval and kLoss64 a
  // forward graph will do). Fails with what Halide says when it refuses the
  // schedule. The code is this machine's; its schedules are those for
  // `scheduled_for`, a Halide target, where it is given.
  static absl::StatusOr<JitPipeline> Compile(
      const Graph& training, const PipelineOptions& options,
      const std::string& scheduled_for = "");
  JitPipeline(JitPipeline&&);
  ~JitPipeline();

  // Runs all blocks of the batch; an infer pipeline after the prepare pipeline
  // that it needs, if any. Gradients are accumulated onto `start`, whose
  // missing tensors are zeros; without it the first block stores them over
  // NaNs. With `rows`, the values are a data set of values.batch samples and
  // the batch is these rows of it.
  absl::StatusOr<PipelineResult> Run(const GraphValues& values,
                                     const Gradients& start = {},
                                     const std::vector<int64_t>& rows = {});

 private:
  class Impl;
  explicit JitPipeline(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Compiles and runs once.
absl::StatusOr<PipelineResult> RunJit(const Graph& training,
                                      const PipelineOptions& options,
                                      const GraphValues& values,
                                      const std::string& scheduled_for = "");

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_JIT_H_
