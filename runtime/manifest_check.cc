// CheckManifest: what must hold between the parts of a manifest.

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "runtime/manifest.h"
#include "runtime/training_options.h"

namespace kiln {
inline namespace runtime {

namespace {

template <typename... Parts>
absl::Status Refuse(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat("manifest: ", parts...));
}

// A shape whose extents are positive and whose product fits comfortably.
bool IsSane(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 1 || count > (int64_t{1} << 40) / extent) return false;
    count *= extent;
  }
  return true;
}

// Names are non-empty and unique; shapes are sane.
template <typename T>
absl::Status CheckNames(const std::vector<T>& list, const char* what) {
  std::set<absl::string_view> seen;
  for (const T& item : list) {
    if (item.name.empty()) return Refuse("a nameless ", what);
    if (!seen.insert(item.name).second) {
      return Refuse("two ", what, "s are called ", item.name);
    }
    if constexpr (requires { item.shape; }) {
      if (!IsSane(item.shape)) {
        return Refuse(what, " ", item.name, ": bad shape ",
                      ShapeText(item.shape));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckParameters(const Manifest& manifest) {
  std::vector<const ParameterSpec*> by_offset;
  int64_t total = 0;
  for (const ParameterSpec& p : manifest.parameters) {
    if (p.size != ElementCount(p.shape)) {
      return Refuse("parameter ", p.name, ": size ", p.size, " is not ",
                    ShapeText(p.shape));
    }
    if (p.offset < 0 || p.offset % kArenaAlignmentFloats != 0) {
      return Refuse("parameter ", p.name, ": offset ", p.offset,
                    " is not a multiple of ", kArenaAlignmentFloats);
    }
    if (!std::isfinite(p.learning_rate_multiplier) ||
        p.learning_rate_multiplier < 0) {
      return Refuse("parameter ", p.name, ": bad lr_multiplier");
    }
    if (!std::isfinite(p.weight_decay_multiplier) ||
        p.weight_decay_multiplier < 0) {
      return Refuse("parameter ", p.name, ": bad weight_decay_multiplier");
    }
    if (p.buffer && !p.frozen) {
      return Refuse("parameter ", p.name, ": a buffer that is not frozen");
    }
    if (p.init.kind == InitSpec::Kind::kValues &&
        static_cast<int64_t>(p.init.values.size()) != p.size) {
      return Refuse("parameter ", p.name, ": ", p.init.values.size(),
                    " initial values for ", p.size, " elements");
    }
    total += p.buffer ? 0 : p.size;
    by_offset.push_back(&p);
  }
  if (total != manifest.parameter_count) {
    return Refuse("parameter_count ", manifest.parameter_count,
                  " but the parameters hold ", total);
  }
  if (manifest.arena_floats < 0 ||
      manifest.arena_floats % kArenaAlignmentFloats != 0) {
    return Refuse("arena_floats ", manifest.arena_floats,
                  " is not a multiple of ", kArenaAlignmentFloats);
  }
  std::sort(by_offset.begin(), by_offset.end(),
            [](auto* a, auto* b) { return a->offset < b->offset; });
  int64_t end = 0;
  for (const ParameterSpec* p : by_offset) {
    if (p->offset < end) return Refuse("parameter ", p->name, " overlaps");
    end = p->offset + p->size;
  }
  if (end > manifest.arena_floats) {
    return Refuse("parameters end at ", end, " past arena_floats ",
                  manifest.arena_floats);
  }
  return absl::OkStatus();
}

absl::Status CheckPrepared(const Manifest& manifest) {
  int64_t end = 0;  // they stand in order
  for (const PreparedSpec& p : manifest.prepared) {
    if (p.size != ElementCount(p.shape)) {
      return Refuse("prepared tensor ", p.name, ": size ", p.size, " is not ",
                    ShapeText(p.shape));
    }
    if (p.offset < end || p.offset % kArenaAlignmentFloats != 0 ||
        p.size > manifest.prepared_floats - p.offset) {
      return Refuse("prepared tensor ", p.name, ": bad offset ", p.offset);
    }
    end = p.offset + p.size;
  }
  const int64_t pipelines = std::count_if(
      manifest.pipelines.begin(), manifest.pipelines.end(),
      [](const PipelineSpec& p) { return p.kind == PipelineKind::kPrepare; });
  const int64_t expected = manifest.prepared.empty() ? 0 : 1;
  if (pipelines != expected && !manifest.count_only) {
    return Refuse(pipelines, " prepare pipelines for ",
                  manifest.prepared.size(), " prepared tensors");
  }
  return absl::OkStatus();
}

absl::Status CheckDataTypes(const Manifest& manifest) {
  for (const InputSpec& input : manifest.inputs) {
    if (input.storage == Storage::kInt32) {
      return Refuse("input ", input.name, ": storage must be uint8 or float32");
    }
  }
  for (const TargetSpec& target : manifest.targets) {
    const bool is_class = target.classes > 0;
    if (target.storage != (is_class ? Storage::kInt32 : Storage::kFloat32)) {
      return Refuse("target ", target.name, ": wrong storage for its kind");
    }
    if (is_class && !target.shape.empty()) {
      return Refuse("target ", target.name, ": a class has no shape");
    }
  }
  return absl::OkStatus();
}

// How often a pipeline of each kind must bind an argument of each kind. Counts
// rather than booleans catch a doubled or forgotten tensor.
int64_t ExpectedCount(const Manifest& manifest, const PipelineSpec& pipeline,
                      ArgumentKind kind) {
  const bool grad = pipeline.kind == PipelineKind::kGrad;
  const bool step = pipeline.kind == PipelineKind::kStep;
  const bool infer = pipeline.kind == PipelineKind::kInfer;
  const bool trace = pipeline.kind == PipelineKind::kTrace;
  const bool loss64 = pipeline.kind == PipelineKind::kLoss64;
  const bool momentum = step && pipeline.optimizer == "momentum";
  const bool prepare = pipeline.kind == PipelineKind::kPrepare;
  const int64_t parameters = manifest.parameters.size();
  if (prepare) {
    return kind == ArgumentKind::kPreparedOut
               ? manifest.prepared.size()
               : kind == ArgumentKind::kWorkspace;
  }
  const int64_t trained =
      std::count_if(manifest.parameters.begin(), manifest.parameters.end(),
                    [](const ParameterSpec& p) { return !p.frozen; });
  switch (kind) {
    case ArgumentKind::kParameter:
      return loss64 || trace ? 0 : parameters;
    case ArgumentKind::kParameter64:
      return loss64 || trace ? parameters : 0;
    case ArgumentKind::kBufferOut:
      return grad || step
                 ? std::count_if(
                       manifest.parameters.begin(), manifest.parameters.end(),
                       [](const ParameterSpec& p) { return p.buffer; })
                 : 0;
    case ArgumentKind::kSeed:
    case ArgumentKind::kStep:
      return 0;  // see CheckPipeline
    case ArgumentKind::kGradient:
      return grad ? trained : 0;
    case ArgumentKind::kParameterOut:
      return step ? trained : 0;
    case ArgumentKind::kStateIn:
    case ArgumentKind::kStateOut:
      return momentum ? trained : 0;
    case ArgumentKind::kData:
      return manifest.inputs.size();
    case ArgumentKind::kTarget:
      return infer ? 0 : manifest.targets.size();
    case ArgumentKind::kIndex:
    case ArgumentKind::kWorkspace:
      return 1;
    case ArgumentKind::kWeight:
      return infer ? 0 : 1;
    case ArgumentKind::kScale:
      return grad || step || trace;
    case ArgumentKind::kAccumulate:
      return grad;
    case ArgumentKind::kLearningRate:
    case ArgumentKind::kWeightDecay:
      return step;
    case ArgumentKind::kMomentum:
      return momentum;
    case ArgumentKind::kOutput:
      return infer ? manifest.outputs.size() : 0;
    case ArgumentKind::kLoss:
      return !infer && !loss64 && !trace;
    case ArgumentKind::kLoss64:
      return loss64;
    case ArgumentKind::kMetric:
      return infer || loss64 || trace ? 0 : manifest.metrics.size();
    case ArgumentKind::kPrepared:
      return infer ? manifest.prepared.size() : 0;
    case ArgumentKind::kPreparedOut:
      return 0;
    case ArgumentKind::kTrace:
      return trace ? manifest.nodes.size() - parameters : 0;
  }
  return 0;
}

// Whether the tensor that an argument names exists and may be bound so.
bool NamesATensor(const Manifest& manifest, const ArgumentSpec& argument) {
  const std::string& tensor = argument.tensor;
  const int parameter = manifest.FindParameter(tensor);
  const bool trained = parameter >= 0 && !manifest.parameters[parameter].frozen;
  switch (argument.kind) {
    case ArgumentKind::kParameter:
    case ArgumentKind::kParameter64:
      return parameter >= 0;
    case ArgumentKind::kBufferOut:
      return parameter >= 0 && manifest.parameters[parameter].buffer;
    case ArgumentKind::kGradient:
    case ArgumentKind::kParameterOut:
      return trained;
    case ArgumentKind::kStateIn:
    case ArgumentKind::kStateOut:
      return trained && argument.slot == "momentum";
    case ArgumentKind::kData:
      return manifest.FindInput(tensor) >= 0;
    case ArgumentKind::kTarget:
      return manifest.FindTarget(tensor) >= 0;
    case ArgumentKind::kOutput:
      return manifest.FindOutput(tensor) >= 0;
    case ArgumentKind::kMetric:
      return manifest.FindMetric(tensor) >= 0;
    case ArgumentKind::kPrepared:
    case ArgumentKind::kPreparedOut:
      return manifest.FindPrepared(tensor) >= 0;
    case ArgumentKind::kTrace:
      return manifest.FindNode(tensor) >= 0;
    default:
      return true;  // names no tensor
  }
}

absl::Status CheckPipeline(const Manifest& manifest,
                           const PipelineSpec& pipeline) {
  const std::string& name = pipeline.function;
  if (pipeline.block < 1 || pipeline.block > (1 << 20)) {
    return Refuse(name, ": bad block ", pipeline.block);
  }
  if (pipeline.kind == PipelineKind::kTrace && pipeline.block != 1)
    return Refuse(name, ": a trace is of one sample");
  if (pipeline.workspace_bytes < 0) return Refuse(name, ": bad workspace");
  if (pipeline.kind == PipelineKind::kStep && pipeline.optimizer != "sgd" &&
      pipeline.optimizer != "momentum") {
    return Refuse(name, ": unknown optimizer \"", pipeline.optimizer, "\"");
  }
  for (const AllocationSpec& a : pipeline.allocations) {
    if (a.bytes < 0 || a.offset < 0 ||
        a.bytes > pipeline.workspace_bytes - a.offset) {
      return Refuse(name, ": allocation ", a.name, " leaves the workspace");
    }
  }
  std::set<std::pair<ArgumentKind, absl::string_view>> seen;
  for (const ArgumentSpec& argument : pipeline.arguments) {
    if (!NamesATensor(manifest, argument)) {
      return Refuse(name, ": argument ", argument.name, " binds \"",
                    argument.tensor, "\", which the model has not");
    }
    if (!seen.emplace(argument.kind, argument.tensor).second) {
      return Refuse(name, ": argument ", argument.name, " is bound twice");
    }
  }
  for (int k = 0; k <= static_cast<int>(ArgumentKind::kTrace); ++k) {
    const auto kind = static_cast<ArgumentKind>(k);
    const int64_t count = std::count_if(
        seen.begin(), seen.end(), [&](auto& s) { return s.first == kind; });
    // Only what draws random numbers, in training, has these two.
    const bool may_draw = pipeline.kind != PipelineKind::kInfer &&
                          pipeline.kind != PipelineKind::kEval;
    const bool is_key =
        kind == ArgumentKind::kSeed || kind == ArgumentKind::kStep;
    if (is_key && may_draw) continue;
    const int64_t expected = ExpectedCount(manifest, pipeline, kind);
    // Where layers are folded, some parameters are read by prepare alone, and
    // others by infer alone.
    const bool is_split = !manifest.prepared.empty() &&
                          kind == ArgumentKind::kParameter &&
                          (pipeline.kind == PipelineKind::kPrepare ||
                           pipeline.kind == PipelineKind::kInfer);
    if (count != expected && !is_split) {
      return Refuse(name, ": ", count, " arguments of kind ",
                    ArgumentKindName(kind), ", expected ", expected);
    }
  }
  return absl::OkStatus();
}

// Every name that a stage says is a node's.
absl::Status CheckStages(const Manifest& manifest,
                         const PipelineSpec& pipeline) {
  for (const StageSpec& stage : pipeline.stages) {
    std::vector<std::string> names = stage.nodes;
    if (!stage.of.empty()) names.push_back(stage.of);
    for (const std::string& name : names) {
      if (manifest.FindNode(name) < 0) {
        return Refuse(pipeline.function, ": stage ", stage.name, " is of \"",
                      name, "\", which the model has not");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLayers(const Manifest& manifest) {
  for (const LayerSpec& layer : manifest.layers) {
    if (!layer.convolution.has_value()) continue;
    const ConvolutionSpec& c = *layer.convolution;
    const int weight = manifest.FindParameter(c.weight);
    const bool has_sizes = c.input_shape.size() == 3 && c.kernel.size() == 2 &&
                           c.stride.size() == 2 && c.padding.size() == 2;
    if (weight < 0 || !has_sizes || !IsSane(c.input_shape) ||
        !IsSane(c.stride) ||
        manifest.parameters[weight].shape !=
            std::vector<int64_t>{layer.output_shape[0], c.input_shape[0],
                                 c.kernel[0], c.kernel[1]}) {
      return Refuse("layer ", layer.name, ": bad convolution");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDefaults(const TrainingDefaults& defaults) {
  const absl::StatusOr<TrainingOptions> options = OptionsFromDefaults(defaults);
  const absl::Status status =
      options.ok() ? CheckTrainingOptions(*options) : options.status();
  return status.ok() ? status : Refuse("defaults: ", status.message());
}

}  // namespace

absl::Status CheckManifest(const Manifest& manifest) {
  // In this order: sizes are multiplied out only once shapes are known sane.
  absl::Status status = CheckNames(manifest.parameters, "parameter");
  if (status.ok()) status = CheckNames(manifest.inputs, "input");
  if (status.ok()) status = CheckNames(manifest.targets, "target");
  if (status.ok()) status = CheckNames(manifest.outputs, "output");
  if (status.ok()) status = CheckNames(manifest.prepared, "prepared tensor");
  if (status.ok()) status = CheckNames(manifest.nodes, "node");
  if (status.ok()) status = CheckParameters(manifest);
  if (status.ok()) status = CheckPrepared(manifest);
  if (status.ok()) status = CheckDataTypes(manifest);
  if (status.ok()) status = CheckLayers(manifest);
  if (status.ok()) status = CheckDefaults(manifest.defaults);
  if (!status.ok()) return status;
  std::set<absl::string_view> functions;
  for (const auto* list : {&manifest.pipelines, &manifest.profiled}) {
    for (const PipelineSpec& pipeline : *list) {
      if (!functions.insert(pipeline.function).second) {
        return Refuse("two pipelines are called ", pipeline.function);
      }
      status = CheckPipeline(manifest, pipeline);
      if (status.ok()) status = CheckStages(manifest, pipeline);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
