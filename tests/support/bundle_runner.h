// Runs the pipelines of a model's library, as emitted and linked, on the
// interpreter's values: what a user's binary runs, without the runtime between.
// Every argument is laid out by the manifest alone.
#ifndef KILN_TESTS_SUPPORT_BUNDLE_RUNNER_H_
#define KILN_TESTS_SUPPORT_BUNDLE_RUNNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/bundle.h"
#include "tests/support/interpreter.h"
#include "tests/support/pipeline_result.h"

namespace kiln {

// Which pipeline of the bundle.
struct PipelineChoice {
  std::string kind;  // "infer", "eval", "grad", "step", "loss64"
  int64_t block = 1;
  std::string optimizer;  // of a step
};

// The scalars of a step, and the optimizer's state before it.
struct StepValues {
  double learning_rate = 0;
  double momentum = 0;
  double weight_decay = 0;
  Gradients state = {};
};

class BundleRunner {
 public:
  explicit BundleRunner(const Bundle& bundle);
  ~BundleRunner();

  // All pipelines of the bundle, in the manifest's order.
  std::vector<PipelineChoice> Pipelines() const;

  // Runs all blocks of the batch, infer after the prepare pipeline that it
  // needs (a step: exactly one). The lanes past the end
  // have the weight 0 and the index 0. Buffers and workspace have guards before
  // and after, which must stay as they are; the workspace begins as NaNs.
  absl::StatusOr<PipelineResult> Run(const PipelineChoice& choice,
                                     const GraphValues& values,
                                     const StepValues& step = {}) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_BUNDLE_RUNNER_H_
