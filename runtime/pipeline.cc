#include "runtime/pipeline.h"

#include <cstdio>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

// Halide's default error handler aborts. Ours keeps the message of the calling
// thread, and the pipeline then returns its error code.
thread_local char last_halide_error[512];

void KeepHalideError(void* /*user_context*/, const char* message) {
  std::snprintf(last_halide_error, sizeof(last_halide_error), "%s", message);
}

halide_type_t TypeOf(Storage storage) {
  switch (storage) {
    case Storage::kUint8:
      return halide_type_t(halide_type_uint, 8);
    case Storage::kInt32:
      return halide_type_t(halide_type_int, 32);
    case Storage::kFloat32:
      break;
  }
  return halide_type_t(halide_type_float, 32);
}

constexpr int64_t kNoOutermost = 0;

template <typename T>
uint8_t* Host(T* address) {
  return reinterpret_cast<uint8_t*>(
      const_cast<std::remove_const_t<T>*>(address));
}

void* Scalar(const void* address) { return const_cast<void*>(address); }

}  // namespace

// Appends a dense buffer whose Halide dimensions are `shape` reversed (Halide
// counts from the innermost), then `outermost` samples or lanes unless that is
// kNoOutermost.
void Pipeline::AddBuffer(halide_type_t type, const std::vector<int64_t>& shape,
                         int64_t outermost) {
  std::vector<int64_t> extents(shape.rbegin(), shape.rend());
  if (outermost != kNoOutermost) extents.push_back(outermost);
  std::vector<halide_dimension_t> dimensions;
  int64_t stride = 1;
  for (int64_t extent : extents) {
    dimensions.emplace_back(0, static_cast<int32_t>(extent),
                            static_cast<int32_t>(stride));
    stride *= extent;
  }
  halide_buffer_t buffer{};
  buffer.type = type;
  buffer.dimensions = static_cast<int32_t>(dimensions.size());
  buffers_.push_back(buffer);
  dimensions_.push_back(std::move(dimensions));
}

absl::StatusOr<Pipeline> Pipeline::Bind(const Bundle& bundle,
                                        const Manifest& manifest,
                                        const PipelineSpec& spec) {
  halide_set_error_handler(KeepHalideError);
  Pipeline pipeline;
  pipeline.spec_ = &spec;
  for (int i = 0; i < bundle.pipeline_count; ++i) {
    if (spec.function == bundle.pipelines[i].function) {
      pipeline.function_ = bundle.pipelines[i].argv;
    }
  }
  if (pipeline.function_ == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        bundle.name, ": the bundle has no pipeline ", spec.function));
  }
  const halide_type_t float32(halide_type_float, 32);
  const halide_type_t float64(halide_type_float, 64);
  for (const ArgumentSpec& argument : spec.arguments) {
    Slot slot{.kind = argument.kind};
    switch (argument.kind) {
      case ArgumentKind::kParameter:
      case ArgumentKind::kParameterOut:
      case ArgumentKind::kParameter64:
      case ArgumentKind::kBufferOut:
      case ArgumentKind::kStateIn:
      case ArgumentKind::kStateOut:
      case ArgumentKind::kGradient: {
        slot.tensor = manifest.FindParameter(argument.tensor);
        const ParameterSpec& parameter = manifest.parameters[slot.tensor];
        slot.offset = parameter.offset;
        pipeline.AddBuffer(
            argument.kind == ArgumentKind::kParameter64 ? float64 : float32,
            parameter.shape, kNoOutermost);
        break;
      }
      case ArgumentKind::kData: {
        slot.tensor = manifest.FindInput(argument.tensor);
        const InputSpec& input = manifest.inputs[slot.tensor];
        pipeline.AddBuffer(TypeOf(input.storage), input.shape, 1);
        break;
      }
      case ArgumentKind::kTarget: {
        slot.tensor = manifest.FindTarget(argument.tensor);
        const TargetSpec& target = manifest.targets[slot.tensor];
        pipeline.AddBuffer(TypeOf(target.storage), target.shape, 1);
        break;
      }
      case ArgumentKind::kPrepared:
      case ArgumentKind::kPreparedOut: {
        const PreparedSpec& prepared =
            manifest.prepared[manifest.FindPrepared(argument.tensor)];
        slot.offset = prepared.offset;
        pipeline.AddBuffer(float32, prepared.shape, kNoOutermost);
        break;
      }
      case ArgumentKind::kIndex:
        pipeline.AddBuffer(TypeOf(Storage::kInt32), {}, spec.block);
        break;
      case ArgumentKind::kWeight:
        pipeline.AddBuffer(float32, {}, spec.block);
        break;
      case ArgumentKind::kOutput:
        slot.tensor = manifest.FindOutput(argument.tensor);
        pipeline.AddBuffer(float32, manifest.outputs[slot.tensor].shape,
                           spec.block);
        break;
      case ArgumentKind::kMetric:
        slot.tensor = manifest.FindMetric(argument.tensor);
        pipeline.AddBuffer(float32, {}, kNoOutermost);
        break;
      case ArgumentKind::kLoss64:
        pipeline.AddBuffer(float64, {}, kNoOutermost);
        break;
      case ArgumentKind::kTrace: {
        slot.tensor = manifest.FindNode(argument.tensor);
        const NodeSpec& node = manifest.nodes[slot.tensor];
        const bool is_int = node.storage == Storage::kInt32;
        pipeline.AddBuffer(is_int ? TypeOf(node.storage) : float64, node.shape,
                           kNoOutermost);
        break;
      }
      default:  // the loss, and scalars, whose buffer stays unused
        pipeline.AddBuffer(float32, {}, kNoOutermost);
    }
    pipeline.slots_.push_back(slot);
  }
  pipeline.LinkBuffers();
  return pipeline;
}

void Pipeline::LinkBuffers() {
  argv_.resize(buffers_.size());
  for (size_t i = 0; i < buffers_.size(); ++i) {
    buffers_[i].dim = dimensions_[i].data();
    argv_[i] = &buffers_[i];
  }
}

Pipeline Pipeline::Clone() const {
  Pipeline clone;
  clone.spec_ = spec_;
  clone.function_ = function_;
  clone.slots_ = slots_;
  clone.buffers_ = buffers_;
  clone.dimensions_ = dimensions_;
  clone.LinkBuffers();
  return clone;
}

absl::Status Pipeline::Call(const PipelineCall& call) {
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    uint8_t*& host = buffers_[i].host;
    switch (slot.kind) {
      case ArgumentKind::kParameter:
        host = Host(call.parameters + slot.offset);
        break;
      case ArgumentKind::kParameter64:
        host = Host(call.parameters64 + slot.offset);
        break;
      case ArgumentKind::kParameterOut:
      case ArgumentKind::kBufferOut:
        host = Host(call.parameters_out + slot.offset);
        break;
      case ArgumentKind::kStateIn:
        host = Host(call.state + slot.offset);
        break;
      case ArgumentKind::kStateOut:
        host = Host(call.state_out + slot.offset);
        break;
      case ArgumentKind::kGradient:
        host = Host(call.gradient + slot.offset);
        break;
      case ArgumentKind::kPrepared:
        host = Host(call.prepared + slot.offset);
        break;
      case ArgumentKind::kPreparedOut:
        host = Host(call.prepared_out + slot.offset);
        break;
      case ArgumentKind::kData:
        host = Host(call.data->input(slot.tensor));
        dimensions_[i].back().extent = call.data->samples();
        break;
      case ArgumentKind::kTarget:
        host = Host(call.data->target(slot.tensor));
        dimensions_[i].back().extent = call.data->samples();
        break;
      case ArgumentKind::kIndex:
        host = Host(call.index);
        break;
      case ArgumentKind::kWeight:
        host = Host(call.weight);
        break;
      case ArgumentKind::kOutput:
        host = Host(call.outputs[slot.tensor]);
        break;
      case ArgumentKind::kLoss:
        host = Host(call.loss);
        break;
      case ArgumentKind::kLoss64:
        host = Host(call.loss64);
        break;
      case ArgumentKind::kMetric:
        host = Host(call.metrics + slot.tensor);
        break;
      case ArgumentKind::kTrace:
        host = static_cast<uint8_t*>(call.trace[slot.tensor]);
        break;
      case ArgumentKind::kScale:
        argv_[i] = Scalar(&call.scale);
        break;
      case ArgumentKind::kAccumulate:
        argv_[i] = Scalar(&call.accumulate);
        break;
      case ArgumentKind::kLearningRate:
        argv_[i] = Scalar(&call.learning_rate);
        break;
      case ArgumentKind::kMomentum:
        argv_[i] = Scalar(&call.momentum);
        break;
      case ArgumentKind::kWeightDecay:
        argv_[i] = Scalar(&call.weight_decay);
        break;
      case ArgumentKind::kSeed:
        argv_[i] = Scalar(&call.seed);
        break;
      case ArgumentKind::kStep:
        argv_[i] = Scalar(&call.step);
        break;
      case ArgumentKind::kWorkspace:
        argv_[i] = Scalar(&call.workspace);
        break;
    }
  }
  if (const int code = function_(argv_.data()); code != 0) {
    return absl::InternalError(absl::StrCat(spec_->function, " failed with ",
                                            code, ": ", last_halide_error));
  }
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
