#include "runtime/manifest.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

using Json = nlohmann::json;

// nlohmann::json reports a missing or mistyped member by throwing;
// ParseManifest catches, so that no exception leaves this file.
struct ManifestError {
  std::string message;
};

// The value that `table` gives `name`; throws when there is none.
template <typename T, size_t kCount>
T Named(const std::pair<const char*, T> (&table)[kCount],
        const std::string& name, const char* what) {
  for (const auto& [key, value] : table) {
    if (name == key) return value;
  }
  throw ManifestError{absl::StrCat("unknown ", what, " \"", name, "\"")};
}

constexpr std::pair<const char*, InitSpec::Kind> kInitKinds[] = {
    {"zeros", InitSpec::Kind::kZeros},
    {"constant", InitSpec::Kind::kConstant},
    {"uniform", InitSpec::Kind::kUniform},
    {"normal", InitSpec::Kind::kNormal},
    {"truncated_normal", InitSpec::Kind::kTruncatedNormal},
    {"values", InitSpec::Kind::kValues},
};

constexpr std::pair<const char*, Storage> kStorages[] = {
    {"uint8", Storage::kUint8},
    {"float32", Storage::kFloat32},
    {"int32", Storage::kInt32},
};

constexpr std::pair<const char*, PipelineKind> kPipelineKinds[] = {
    {"infer", PipelineKind::kInfer},   {"eval", PipelineKind::kEval},
    {"grad", PipelineKind::kGrad},     {"step", PipelineKind::kStep},
    {"loss64", PipelineKind::kLoss64}, {"prepare", PipelineKind::kPrepare},
    {"trace", PipelineKind::kTrace},
};

constexpr std::pair<const char*, ArgumentKind> kArgumentKinds[] = {
    {"parameter", ArgumentKind::kParameter},
    {"parameter_out", ArgumentKind::kParameterOut},
    {"parameter64", ArgumentKind::kParameter64},
    {"buffer_out", ArgumentKind::kBufferOut},
    {"state_in", ArgumentKind::kStateIn},
    {"state_out", ArgumentKind::kStateOut},
    {"gradient", ArgumentKind::kGradient},
    {"data", ArgumentKind::kData},
    {"target", ArgumentKind::kTarget},
    {"index", ArgumentKind::kIndex},
    {"weight", ArgumentKind::kWeight},
    {"scale", ArgumentKind::kScale},
    {"learning_rate", ArgumentKind::kLearningRate},
    {"momentum", ArgumentKind::kMomentum},
    {"weight_decay", ArgumentKind::kWeightDecay},
    {"seed", ArgumentKind::kSeed},
    {"step", ArgumentKind::kStep},
    {"workspace", ArgumentKind::kWorkspace},
    {"output", ArgumentKind::kOutput},
    {"loss", ArgumentKind::kLoss},
    {"loss64", ArgumentKind::kLoss64},
    {"metric", ArgumentKind::kMetric},
    {"prepared", ArgumentKind::kPrepared},
    {"prepared_out", ArgumentKind::kPreparedOut},
    {"trace", ArgumentKind::kTrace},
};

std::string Text(const Json& json, const char* key) {
  return json.at(key).get<std::string>();
}

// An integer member; 5.5 or "5" is an error, not 5.
int64_t Integer(const Json& json, const char* key) {
  const Json& value = json.at(key);
  if (!value.is_number_integer()) {
    throw ManifestError{absl::StrCat("\"", key, "\" is not an integer")};
  }
  return value.get<int64_t>();
}

std::vector<int64_t> Shape(const Json& json, const char* key) {
  std::vector<int64_t> shape;
  for (const Json& extent : json.at(key)) {
    if (!extent.is_number_integer()) {
      throw ManifestError{absl::StrCat("\"", key, "\" has a non-integer")};
    }
    shape.push_back(extent.get<int64_t>());
  }
  return shape;
}

// Parses each element of the array json[key] with `parse`.
template <typename T>
std::vector<T> List(const Json& json, const char* key,
                    T (*parse)(const Json&)) {
  const Json& array = json.at(key);
  if (!array.is_array()) {
    throw ManifestError{absl::StrCat("\"", key, "\" is not an array")};
  }
  std::vector<T> list;
  list.reserve(array.size());
  for (const Json& element : array) list.push_back(parse(element));
  return list;
}

InitSpec ParseInit(const Json& json) {
  InitSpec init;
  init.kind = Named(kInitKinds, Text(json, "kind"), "init");
  switch (init.kind) {
    case InitSpec::Kind::kZeros:
      break;
    case InitSpec::Kind::kConstant:
      init.value = json.at("value").get<double>();
      break;
    case InitSpec::Kind::kUniform:
      init.low = json.at("low").get<double>();
      init.high = json.at("high").get<double>();
      break;
    case InitSpec::Kind::kNormal:
    case InitSpec::Kind::kTruncatedNormal:
      init.mean = json.at("mean").get<double>();
      init.stddev = json.at("stddev").get<double>();
      break;
    case InitSpec::Kind::kValues:
      init.values = json.at("values").get<std::vector<double>>();
      break;
  }
  return init;
}

ParameterSpec ParseParameter(const Json& json) {
  return {.name = Text(json, "name"),
          .c_name = Text(json, "c_name"),
          .shape = Shape(json, "shape"),
          .offset = Integer(json, "offset"),
          .size = Integer(json, "size"),
          .init = ParseInit(json.at("init")),
          .frozen = json.at("frozen").get<bool>(),
          .learning_rate_multiplier = json.at("lr_multiplier").get<double>(),
          .weight_decay_multiplier = json.value("weight_decay_multiplier", 1.0),
          .buffer = json.value("buffer", false)};
}

PreparedSpec ParsePrepared(const Json& json) {
  return {.name = Text(json, "name"),
          .shape = Shape(json, "shape"),
          .offset = Integer(json, "offset"),
          .size = Integer(json, "size")};
}

std::string ParseNote(const Json& json) { return json.get<std::string>(); }

InputSpec ParseInput(const Json& json) {
  return {.name = Text(json, "name"),
          .shape = Shape(json, "shape"),
          .storage = Named(kStorages, Text(json, "storage"), "storage"),
          .scale = json.at("scale").get<double>()};
}

TargetSpec ParseTarget(const Json& json) {
  const std::string kind = Text(json, "kind");
  if (kind != "class" && kind != "value") {
    throw ManifestError{absl::StrCat("unknown target kind \"", kind, "\"")};
  }
  const int64_t classes = kind == "class" ? Integer(json, "classes") : 0;
  if (kind == "class" && classes < 1) {
    throw ManifestError{"a class target needs classes"};
  }
  return {.name = Text(json, "name"),
          .shape = Shape(json, "shape"),
          .storage = Named(kStorages, Text(json, "storage"), "storage"),
          .classes = classes};
}

OutputSpec ParseOutput(const Json& json) {
  return {.name = Text(json, "name"), .shape = Shape(json, "shape")};
}

LossSpec ParseLoss(const Json& json) {
  return {.name = Text(json, "name"),
          .weight = json.at("weight").get<double>()};
}

std::string ParseMetric(const Json& json) { return Text(json, "name"); }

// What has a default of its own may be left out.
int64_t IntegerOr(const Json& json, const char* key, int64_t otherwise) {
  return json.contains(key) ? Integer(json, key) : otherwise;
}

TrainingDefaults ParseDefaults(const Json& json) {
  const TrainingDefaults own;
  return {
      .data = Text(json, "data"),
      .batch = Integer(json, "batch"),
      .epochs = Integer(json, "epochs"),
      .steps = IntegerOr(json, "steps", own.steps),
      .optimizer = Text(json, "optimizer"),
      .learning_rate = json.at("learning_rate").get<double>(),
      .learning_rate_schedule = Text(json, "learning_rate_schedule"),
      .momentum = json.at("momentum").get<double>(),
      .weight_decay = json.at("weight_decay").get<double>(),
      .beta1 = json.value("beta1", own.beta1),
      .beta2 = json.value("beta2", own.beta2),
      .alpha = json.value("alpha", own.alpha),
      .epsilon = json.value("epsilon", own.epsilon),
      .lr_step_every = IntegerOr(json, "lr_step_every", own.lr_step_every),
      .lr_gamma = json.value("lr_gamma", own.lr_gamma),
      .min_learning_rate =
          json.value("min_learning_rate", own.min_learning_rate),
      .warmup_steps = IntegerOr(json, "warmup_steps", own.warmup_steps),
      .clip_norm = json.value("clip_norm", own.clip_norm),
      .stop_at_accuracy = json.value("stop_at_accuracy", own.stop_at_accuracy),
      .stop_metric = json.value("stop_metric", own.stop_metric),
      .stop_on = json.value("stop_on", own.stop_on),
      .patience = IntegerOr(json, "patience", own.patience),
      .patience_metric = json.value("patience_metric", own.patience_metric)};
}

std::optional<ConvolutionSpec> ParseConvolution(const Json& layer) {
  if (!layer.contains("convolution")) return std::nullopt;
  const Json& json = layer.at("convolution");
  return ConvolutionSpec{.input_shape = Shape(json, "input_shape"),
                         .kernel = Shape(json, "kernel"),
                         .stride = Shape(json, "stride"),
                         .padding = Shape(json, "padding"),
                         .weight = Text(json, "weight")};
}

LayerSpec ParseLayer(const Json& json) {
  return {.name = Text(json, "name"),
          .op = Text(json, "op"),
          .output_shape = Shape(json, "output_shape"),
          .parameters = Integer(json, "parameters"),
          .flops = Integer(json, "flops"),
          .convolution = ParseConvolution(json)};
}

NodeSpec ParseNode(const Json& json) {
  return {.name = Text(json, "name"),
          .op = Text(json, "op"),
          .attributes = Text(json, "attributes"),
          .inputs = json.at("inputs").get<std::vector<std::string>>(),
          .shape = Shape(json, "shape"),
          .storage = Named(kStorages, Text(json, "dtype"), "dtype"),
          .backward = Text(json, "stage") == "backward",
          .formula = Text(json, "formula"),
          .latex = Text(json, "latex"),
          .symbol = Text(json, "symbol"),
          .adjoint_of = json.value("adjoint_of", ""),
          .adjoint_is_part = json.value("adjoint_is_part", false),
          .outputs = json.at("outputs").get<std::vector<std::string>>()};
}

GraphText ParseGraphText(const Json& json) {
  return {.forward = Text(json, "forward"),
          .backward = Text(json, "backward"),
          .final = Text(json, "final")};
}

ArgumentSpec ParseArgument(const Json& json) {
  return {.name = Text(json, "name"),
          .kind = Named(kArgumentKinds, Text(json, "kind"), "argument kind"),
          .tensor = json.value("tensor", ""),
          .slot = json.value("slot", "")};
}

AllocationSpec ParseAllocation(const Json& json) {
  return {.name = Text(json, "name"),
          .bytes = Integer(json, "bytes"),
          .offset = Integer(json, "offset")};
}

StageSpec ParseStage(const Json& json) {
  return {.name = Text(json, "name"),
          .nodes = json.at("nodes").get<std::vector<std::string>>(),
          .of = Text(json, "of"),
          .phase = Text(json, "phase"),
          .flops = Integer(json, "flops"),
          .useful_flops = Integer(json, "useful_flops"),
          .bytes = Integer(json, "bytes")};
}

PipelineSpec ParsePipeline(const Json& json) {
  return {.function = Text(json, "function"),
          .kind = Named(kPipelineKinds, Text(json, "kind"), "pipeline kind"),
          .block = Integer(json, "block"),
          .optimizer = Text(json, "optimizer"),
          .schedule = Text(json, "schedule"),
          .failure = json.value("failure", ""),
          .workspace_bytes = Integer(json, "workspace_bytes"),
          .workspace_lower_bound = json.contains("workspace_lower_bound")
                                       ? Integer(json, "workspace_lower_bound")
                                       : 0,
          .stack_bytes =
              json.contains("stack_bytes") ? Integer(json, "stack_bytes") : 0,
          .allocations = List(json, "allocations", ParseAllocation),
          .arguments = List(json, "arguments", ParseArgument),
          .stages = json.contains("stages") ? List(json, "stages", ParseStage)
                                            : std::vector<StageSpec>{}};
}

std::vector<std::pair<std::string, std::string>> ParseOptions(
    const Json& json) {
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& [name, value] : json.items()) {
    options.emplace_back(name, value.get<std::string>());
  }
  return options;
}

Manifest ParseRoot(const Json& json) {
  if (Integer(json, "kiln_manifest") != 1) {
    throw ManifestError{absl::StrCat("version ", Integer(json, "kiln_manifest"),
                                     " is not 1, the one this binary reads")};
  }
  const Json& flops = json.at("flops");
  return {.model = Text(json, "model"),
          .options = ParseOptions(json.at("options")),
          .parameters = List(json, "parameters", ParseParameter),
          .parameter_count = Integer(json, "parameter_count"),
          .arena_floats = Integer(json, "arena_floats"),
          .whole_batch = json.value("whole_batch", false),
          .prepared = json.contains("prepared")
                          ? List(json, "prepared", ParsePrepared)
                          : std::vector<PreparedSpec>{},
          .prepared_floats = json.contains("prepared_floats")
                                 ? Integer(json, "prepared_floats")
                                 : 0,
          .inputs = List(json, "inputs", ParseInput),
          .targets = List(json, "targets", ParseTarget),
          .outputs = List(json, "outputs", ParseOutput),
          .losses = List(json, "losses", ParseLoss),
          .metrics = List(json, "metrics", ParseMetric),
          .defaults = ParseDefaults(json.at("defaults")),
          .flops = {.forward = Integer(flops, "forward"),
                    .useful_forward = Integer(flops, "useful_forward"),
                    .useful_backward = Integer(flops, "useful_backward"),
                    .inference = flops.value("inference", int64_t{0}),
                    .useful_inference =
                        flops.value("useful_inference", int64_t{0})},
          .layers = List(json, "layers", ParseLayer),
          .dot = ParseGraphText(json.at("graph")),
          .text = ParseGraphText(json.at("text")),
          .nodes = List(json, "nodes", ParseNode),
          .pipelines = List(json, "pipelines", ParsePipeline),
          .profiled = json.contains("profiled")
                          ? List(json, "profiled", ParsePipeline)
                          : std::vector<PipelineSpec>{},
          .notes = json.contains("notes") ? List(json, "notes", ParseNote)
                                          : std::vector<std::string>{},
          .count_only = json.value("count_only", false)};
}

template <typename T>
int FindByName(const std::vector<T>& list, absl::string_view name) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

int Manifest::FindParameter(absl::string_view name) const {
  return FindByName(parameters, name);
}
int Manifest::FindPrepared(absl::string_view name) const {
  return FindByName(prepared, name);
}
int Manifest::FindInput(absl::string_view name) const {
  return FindByName(inputs, name);
}
int Manifest::FindTarget(absl::string_view name) const {
  return FindByName(targets, name);
}
int Manifest::FindOutput(absl::string_view name) const {
  return FindByName(outputs, name);
}
int Manifest::FindMetric(absl::string_view name) const {
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (metrics[i] == name) return static_cast<int>(i);
  }
  return -1;
}

int Manifest::FindNode(absl::string_view name) const {
  return FindByName(nodes, name);
}

int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

const char* PipelineKindName(PipelineKind kind) {
  for (const auto& [name, value] : kPipelineKinds) {
    if (value == kind) return name;
  }
  return "?";
}

const char* ArgumentKindName(ArgumentKind kind) {
  for (const auto& [name, value] : kArgumentKinds) {
    if (value == kind) return name;
  }
  return "?";
}

absl::StatusOr<Manifest> ParseManifest(absl::string_view json) {
  Manifest manifest;
  try {
    manifest = ParseRoot(Json::parse(json.begin(), json.end()));
  } catch (const ManifestError& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("manifest: ", error.message));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("manifest: ", error.what()));
  }
  if (absl::Status status = CheckManifest(manifest); !status.ok()) {
    return status;
  }
  return manifest;
}

absl::StatusOr<Manifest> ReadManifest(const Bundle& bundle) {
  const absl::StatusOr<std::string> text = ManifestText(bundle);
  if (!text.ok()) return text.status();
  return ParseManifest(*text);
}

}  // namespace runtime
}  // namespace kiln
