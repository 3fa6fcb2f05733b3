#include "tests/support/jit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "Halide.h"
#include "absl/strings/str_cat.h"
#include "generators/pipeline.h"

namespace kiln {
namespace {

using Halide::Buffer;

int64_t Elements(const Buffer<>& buffer) {
  return static_cast<int64_t>(buffer.number_of_elements());
}

// Copies between a dense buffer and the interpreter's row-major doubles: the
// same order.
template <typename T>
void CopyIn(const std::vector<double>& from, Buffer<>& to) {
  T* data = static_cast<T*>(to.data());
  for (size_t i = 0; i < from.size(); ++i) data[i] = static_cast<T>(from[i]);
}

void Fill(const std::vector<double>& from, Buffer<>& to) {
  if (to.type() == Halide::UInt(8)) return CopyIn<uint8_t>(from, to);
  if (to.type() == Halide::Int(32)) return CopyIn<int32_t>(from, to);
  if (to.type() == Halide::Float(64)) return CopyIn<double>(from, to);
  return CopyIn<float>(from, to);
}

std::vector<double> Read(const Buffer<>& from) {
  std::vector<double> values(Elements(from));
  if (from.type() == Halide::Float(64)) {
    std::copy_n(static_cast<const double*>(from.data()), values.size(),
                values.begin());
  } else {
    std::copy_n(static_cast<const float*>(from.data()), values.size(),
                values.begin());
  }
  return values;
}

}  // namespace

class JitPipeline::Impl {
 public:
  Impl(const Graph& training, const PipelineOptions& options)
      : graph_(PipelineGraph(training, options.kind)),
        options_(options),
        arguments_(ListArguments(graph_, options)),
        inputs_(arguments_),
        target_(Halide::get_jit_target_from_environment()),
        funcs_(BuildPipeline(graph_, options, target_, inputs_)),
        pipeline_(funcs_) {
    size_t next = 0;
    for (const Argument& argument : arguments_) {
      if (!IsOutput(argument)) continue;
      Halide::OutputImageParam buffer = funcs_[next++].output_buffer();
      Constrain(buffer, argument);
    }
    pipeline_.compile_jit(target_);
  }

  absl::StatusOr<PipelineResult> Run(const GraphValues& values,
                                     const Gradients& start,
                                     std::vector<int64_t> rows) {
    if (rows.empty()) {
      rows.resize(values.batch);
      std::iota(rows.begin(), rows.end(), 0);
    }
    const int64_t batch = static_cast<int64_t>(rows.size());
    if (absl::Status status = BindData(values); !status.ok()) return status;
    MakeOutputs(start);
    PipelineResult result;
    for (int64_t first = 0; first < batch; first += options_.block) {
      BindBlock(values, rows, first);
      Halide::Realization realization(outputs_);
      pipeline_.realize(realization, target_);
      CollectBlock(batch, first, &result);
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (output_arguments_[i].kind == ArgumentKind::kGradient) {
        result.gradients[output_arguments_[i].tensor] = Read(outputs_[i]);
      }
    }
    return result;
  }

 private:
  absl::Status BindData(const GraphValues& values) {
    for (const Argument& argument : arguments_) {
      if (IsOutput(argument) || !argument.is_buffer) continue;
      if (argument.kind == ArgumentKind::kIndex ||
          argument.kind == ArgumentKind::kWeight)
        continue;
      const auto tensor = values.tensors.find(argument.tensor);
      if (tensor == values.tensors.end())
        return absl::InvalidArgumentError(
            absl::StrCat(argument.tensor, " is missing"));
      std::vector<int> extents = argument.extents;
      if (!extents.empty() && extents.back() == kAnyExtent)
        extents.back() = static_cast<int>(values.batch);
      Buffer<> buffer(argument.type, extents);
      if (Elements(buffer) != static_cast<int64_t>(tensor->second.size())) {
        return absl::InvalidArgumentError(
            absl::StrCat(argument.tensor, " has the wrong size"));
      }
      Fill(tensor->second, buffer);
      inputs_.Set(argument.name, buffer);
    }
    return absl::OkStatus();
  }

  void BindBlock(const GraphValues& values, const std::vector<int64_t>& rows,
                 int64_t first) {
    std::vector<double> index(options_.block, static_cast<double>(rows[first])),
        weight(options_.block);
    for (int lane = 0; lane < options_.block; ++lane) {
      const int64_t n = first + lane;
      if (n >= static_cast<int64_t>(rows.size())) continue;
      index[lane] = static_cast<double>(rows[n]);
      weight[lane] = values.weights.empty() ? 1 : values.weights[n];
    }
    for (const Argument& argument : arguments_) {
      if (argument.kind == ArgumentKind::kScale)
        inputs_.Set(argument.name, static_cast<float>(values.scale));
      if (argument.kind != ArgumentKind::kIndex &&
          argument.kind != ArgumentKind::kWeight)
        continue;
      Buffer<> buffer(argument.type, argument.extents);
      Fill(argument.kind == ArgumentKind::kIndex ? index : weight, buffer);
      inputs_.Set(argument.name, buffer);
    }
  }

  void MakeOutputs(const Gradients& start) {
    outputs_.clear();
    output_arguments_.clear();
    for (const Argument& argument : arguments_) {
      if (!IsOutput(argument)) continue;
      Buffer<> buffer(argument.type, argument.extents);
      const auto onto = start.find(argument.tensor);
      Fill(argument.kind == ArgumentKind::kGradient && onto != start.end()
               ? onto->second
               : std::vector<double>(Elements(buffer)),
           buffer);
      outputs_.push_back(buffer);
      output_arguments_.push_back(argument);
    }
  }

  void CollectBlock(int64_t batch, int64_t first, PipelineResult* result) {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Argument& argument = output_arguments_[i];
      const std::vector<double> values = Read(outputs_[i]);
      if (argument.kind == ArgumentKind::kLoss) result->loss += values[0];
      if (argument.kind == ArgumentKind::kMetric)
        result->metrics[argument.tensor] += values[0];
      if (argument.kind == ArgumentKind::kOutput) {
        const int64_t lanes = std::min<int64_t>(options_.block, batch - first);
        const int64_t size =
            static_cast<int64_t>(values.size()) / options_.block;
        std::vector<double>& head = result->heads[argument.tensor];
        head.insert(head.end(), values.begin(), values.begin() + lanes * size);
      }
    }
  }

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
    const Graph& training, const PipelineOptions& options) {
  try {
    return JitPipeline(std::make_unique<Impl>(training, options));
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
                                      const GraphValues& values) {
  absl::StatusOr<JitPipeline> pipeline =
      JitPipeline::Compile(training, options);
  if (!pipeline.ok()) return pipeline.status();
  return pipeline->Run(values);
}

}  // namespace kiln
