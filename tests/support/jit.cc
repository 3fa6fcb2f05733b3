#include "tests/support/jit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "Halide.h"
#include "absl/strings/str_cat.h"
#include "generators/pipeline.h"
#include "generators/rounding.h"
#include "generators/tile_storage.h"
#include "tests/support/argument_checks.h"
#include "tests/support/jit_binding.h"

namespace kiln {

using Halide::Buffer;

class JitPipeline::Impl {
 public:
  Impl(const Graph& training, const PipelineOptions& options,
       const std::string& scheduled_for)
      : graph_(PipelineGraph(training, options.kind)),
        options_(options),
        arguments_(ListArguments(graph_, options)),
        inputs_(arguments_),
        target_(JitTarget()),
        funcs_(BuildPipeline(
            graph_, options,
            scheduled_for.empty() ? target_ : Halide::Target(scheduled_for),
            inputs_)),
        pipeline_(funcs_) {
    KnownBuffers buffers = KnownInputs(arguments_);
    size_t next = 0;
    for (const Argument& argument : arguments_) {
      if (!IsOutput(argument)) continue;
      Halide::OutputImageParam buffer = funcs_[next++].output_buffer();
      Constrain(buffer, argument);
      buffers[buffer.name()] = {argument.type, argument.extents};
    }
    if (options.schedule == Schedule::kFast) {
      pipeline_.add_custom_lowering_pass(new TileStoragePass);
      pipeline_.add_custom_lowering_pass(new RoundingPass(target_));
    }
    pipeline_.add_custom_lowering_pass(new ArgumentChecksPass(buffers));
    pipeline_.compile_jit(target_);
    const bool is_prepared = std::any_of(
        arguments_.begin(), arguments_.end(),
        [](const Argument& a) { return a.kind == ArgumentKind::kPrepared; });
    if (!is_prepared) return;
    PipelineOptions prepare = options;
    prepare.kind = PipelineKind::kPrepare;
    prepare_ = std::make_unique<Impl>(training, prepare, scheduled_for);
  }

  // Prepares first what the pipeline wants prepared.
  absl::StatusOr<PipelineResult> Run(GraphValues values, const Gradients& start,
                                     std::vector<int64_t> rows) {
    if (values.batch < 1 || values.batch > kMostSamples)
      return absl::InvalidArgumentError("the batch has no samples or too many");
    if (prepare_ != nullptr) {
      absl::StatusOr<PipelineResult> prepared = prepare_->Run(values, {}, {});
      if (!prepared.ok()) return prepared.status();
      values.tensors.insert(prepared->prepared.begin(),
                            prepared->prepared.end());
    }
    if (rows.empty()) {
      rows.resize(values.batch);
      std::iota(rows.begin(), rows.end(), 0);
    }
    const int64_t batch = static_cast<int64_t>(rows.size());
    if (absl::Status status = BindData(arguments_, values, &inputs_);
        !status.ok())
      return status;
    MakeOutputs(start);
    PipelineResult result;
    for (int64_t first = 0; first < batch; first += options_.block) {
      BindBlock(arguments_, values, options_.block, rows, first, &inputs_);
      if (options_.kind == PipelineKind::kGrad) {
        const bool adds = first > 0 || !start.empty();
        inputs_.SetWord("accumulate", adds ? ~uint32_t{0} : 0);
      }
      Halide::Realization realization(outputs_);
      pipeline_.realize(realization, target_);
      CollectBlock(batch, first, &result);
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (output_arguments_[i].kind == ArgumentKind::kGradient) {
        result.gradients[output_arguments_[i].tensor] = ReadBuffer(outputs_[i]);
      }
      if (output_arguments_[i].kind == ArgumentKind::kPreparedOut)
        result.prepared[output_arguments_[i].tensor] = ReadBuffer(outputs_[i]);
    }
    return result;
  }

 private:
  void MakeOutputs(const Gradients& start) {
    outputs_.clear();
    output_arguments_.clear();
    for (const Argument& argument : arguments_) {
      if (!IsOutput(argument)) continue;
      Buffer<> buffer(argument.type, argument.extents);
      const auto onto = start.find(argument.tensor);
      const bool is_gradient = argument.kind == ArgumentKind::kGradient;
      const double held = is_gradient && start.empty() ? NAN : 0;
      FillBuffer(is_gradient && onto != start.end()
                     ? onto->second
                     : std::vector<double>(buffer.number_of_elements(), held),
                 buffer);
      outputs_.push_back(buffer);
      output_arguments_.push_back(argument);
    }
  }

  void CollectBlock(int64_t batch, int64_t first, PipelineResult* result) {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Argument& argument = output_arguments_[i];
      const std::vector<double> values = ReadBuffer(outputs_[i]);
      if (argument.kind == ArgumentKind::kLoss) result->loss += values[0];
      if (argument.kind == ArgumentKind::kMetric)
        result->metrics[argument.tensor] += values[0];
      if (argument.kind == ArgumentKind::kBufferOut)
        result->next_state[argument.tensor] = values;
      if (argument.kind == ArgumentKind::kTrace)
        result->trace[argument.tensor] = values;
      if (argument.kind == ArgumentKind::kOutput) {
        const int64_t lanes = std::min<int64_t>(options_.block, batch - first);
        const int64_t size =
            static_cast<int64_t>(values.size()) / options_.block;
        std::vector<double>& head = result->heads[argument.tensor];
        head.insert(head.end(), values.begin(), values.begin() + lanes * size);
      }
    }
  }

  std::unique_ptr<Impl> prepare_;
  const Graph graph_;
  const PipelineOptions options_;
  const std::vector<Argument> arguments_;
  JitInputs inputs_;
  const Halide::Target target_;
  std::vector<Halide::Func> funcs_;
  Halide::Pipeline pipeline_;
  std::vector<Buffer<>> outputs_;
  std::vector<Argument> output_arguments_;
};

JitPipeline::JitPipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JitPipeline::JitPipeline(JitPipeline&&) = default;
JitPipeline::~JitPipeline() = default;

absl::StatusOr<JitPipeline> JitPipeline::Compile(
    const Graph& training, const PipelineOptions& options,
    const std::string& scheduled_for) {
  try {
    return JitPipeline(
        std::make_unique<Impl>(training, options, scheduled_for));
  } catch (const Halide::Error& error) {
    return absl::InternalError(absl::StrCat("Halide: ", error.what()));
  }
}

absl::StatusOr<PipelineResult> JitPipeline::Run(
    const GraphValues& values, const Gradients& start,
    const std::vector<int64_t>& rows) {
  try {
    return impl_->Run(values, start, rows);
  } catch (const Halide::Error& error) {
    return absl::InternalError(absl::StrCat("Halide: ", error.what()));
  }
}

absl::StatusOr<PipelineResult> RunJit(const Graph& training,
                                      const PipelineOptions& options,
                                      const GraphValues& values,
                                      const std::string& scheduled_for) {
  absl::StatusOr<JitPipeline> pipeline =
      JitPipeline::Compile(training, options, scheduled_for);
  if (!pipeline.ok()) return pipeline.status();
  return pipeline->Run(values);
}

}  // namespace kiln
