#include "runtime/manifest.h"

#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "runtime/json_access.h"

namespace kiln {
inline namespace runtime {

namespace {

// Reads the members of an object. The first that is missing or of another type
// is the problem of the whole manifest; what is read after that does not count.
class Members {
 public:
  Members(const Json* json, std::string& problem)
      : json_(json), problem_(problem) {}

  void Complain(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  bool Has(const char* key) const { return FindMember(json_, key) != nullptr; }
  // The members of an object in this one.
  Members In(const char* key) {
    const Json* json = FindMember(json_, key);
    if (Object(json) == nullptr) Mistyped(key, json, "an object");
    return Members(json, problem_);
  }

  void Read(const char* key, std::string& text) {
    Take(key, FindMember(json_, key), text);
  }
  void Read(const char* key, int64_t& integer) {
    Take(key, FindMember(json_, key), integer);
  }
  void Read(const char* key, double& number) {
    Take(key, FindMember(json_, key), number);
  }
  void Read(const char* key, bool& truth) {
    const Json* json = FindMember(json_, key);
    const std::optional<bool> read = Bool(json);
    if (!read.has_value()) return Mistyped(key, json, "true or false");
    truth = *read;
  }
  void Read(const char* key, std::vector<int64_t>& integers) {
    ReadElements(key, integers);
  }
  void Read(const char* key, std::vector<double>& numbers) {
    ReadElements(key, numbers);
  }
  void Read(const char* key, std::vector<std::string>& texts) {
    ReadElements(key, texts);
  }
  // Objects, each read by `read`.
  template <typename T>
  void Read(const char* key, std::vector<T>& list,
            void (*read)(Members&, T& element)) {
    ForEach(key, [&](const Json* json) {
      if (Object(json) == nullptr) return Mistyped(key, json, "all objects");
      Members members(json, problem_);
      read(members, list.emplace_back());
    });
  }
  // The value that `table` gives the member's name.
  template <typename T, size_t kCount>
  void Read(const char* key, const std::pair<const char*, T> (&table)[kCount],
            const char* what, T& value) {
    std::string name;
    Read(key, name);
    for (const auto& [known, its_value] : table) {
      if (name == known) {
        value = its_value;
        return;
      }
    }
    Complain(absl::StrCat("unknown ", what, " \"", name, "\""));
  }
  // What may be left out, and keeps its value then.
  template <typename... T>
  void ReadIfThere(const char* key, T&&... value) {
    if (Has(key)) Read(key, std::forward<T>(value)...);
  }

  void ReadTexts(std::vector<std::pair<std::string, std::string>>& texts) {
    const Json::object_t* object = Object(json_);
    if (object == nullptr) return;
    for (const auto& [key, json] : *object) {
      Take(key.c_str(), &json, texts.emplace_back(key, "").second);
    }
  }

 private:
  void Mistyped(const char* key, const Json* json, const char* type) {
    if (json == nullptr) {
      Complain(absl::StrCat("\"", key, "\" is missing"));
    } else {
      Complain(absl::StrCat("\"", key, "\" is not ", type, ", but of type ",
                            json->type_name()));
    }
  }
  void Take(const char* key, const Json* json, std::string& value) {
    const std::string* text = Text(json);
    if (text == nullptr) return Mistyped(key, json, "a text");
    value = *text;
  }
  void Take(const char* key, const Json* json, int64_t& value) {
    const std::optional<int64_t> integer = Integer(json);
    if (!integer.has_value()) return Mistyped(key, json, "an integer");
    value = *integer;
  }
  void Take(const char* key, const Json* json, double& value) {
    const std::optional<double> number = Number(json);
    if (!number.has_value()) return Mistyped(key, json, "a number");
    value = *number;
  }
  void ForEach(const char* key, absl::FunctionRef<void(const Json*)> use) {
    const Json* json = FindMember(json_, key);
    const Json::array_t* array = Array(json);
    if (array == nullptr) return Mistyped(key, json, "an array");
    for (const Json& element : *array) use(&element);
  }
  template <typename T>
  void ReadElements(const char* key, std::vector<T>& elements) {
    ForEach(key, [&](const Json* json) {
      Take(key, json, elements.emplace_back());
    });
  }

  const Json* json_;
  std::string& problem_;
};

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
    {"accumulate", ArgumentKind::kAccumulate},
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

void ReadInit(Members json, InitSpec& init) {
  json.Read("kind", kInitKinds, "init", init.kind);
  switch (init.kind) {
    case InitSpec::Kind::kZeros:
      break;
    case InitSpec::Kind::kConstant:
      json.Read("value", init.value);
      break;
    case InitSpec::Kind::kUniform:
      json.Read("low", init.low);
      json.Read("high", init.high);
      break;
    case InitSpec::Kind::kNormal:
    case InitSpec::Kind::kTruncatedNormal:
      json.Read("mean", init.mean);
      json.Read("stddev", init.stddev);
      break;
    case InitSpec::Kind::kValues:
      json.Read("values", init.values);
      break;
  }
}

void ReadParameter(Members& json, ParameterSpec& parameter) {
  json.Read("name", parameter.name);
  json.Read("c_name", parameter.c_name);
  json.Read("shape", parameter.shape);
  json.Read("offset", parameter.offset);
  json.Read("size", parameter.size);
  ReadInit(json.In("init"), parameter.init);
  json.Read("frozen", parameter.frozen);
  json.Read("lr_multiplier", parameter.learning_rate_multiplier);
  json.ReadIfThere("weight_decay_multiplier",
                   parameter.weight_decay_multiplier);
  json.ReadIfThere("buffer", parameter.buffer);
}

void ReadPrepared(Members& json, PreparedSpec& prepared) {
  json.Read("name", prepared.name);
  json.Read("shape", prepared.shape);
  json.Read("offset", prepared.offset);
  json.Read("size", prepared.size);
}

void ReadInput(Members& json, InputSpec& input) {
  json.Read("name", input.name);
  json.Read("shape", input.shape);
  json.Read("storage", kStorages, "storage", input.storage);
  json.Read("scale", input.scale);
}

void ReadTarget(Members& json, TargetSpec& target) {
  std::string kind;
  json.Read("kind", kind);
  if (kind == "class") {
    json.Read("classes", target.classes);
    if (target.classes < 1) json.Complain("a class target needs classes");
  } else if (kind != "value") {
    json.Complain(absl::StrCat("unknown target kind \"", kind, "\""));
  }
  json.Read("name", target.name);
  json.Read("shape", target.shape);
  json.Read("storage", kStorages, "storage", target.storage);
}

void ReadOutput(Members& json, OutputSpec& output) {
  json.Read("name", output.name);
  json.Read("shape", output.shape);
}

void ReadLoss(Members& json, LossSpec& loss) {
  json.Read("name", loss.name);
  json.Read("weight", loss.weight);
}

void ReadMetric(Members& json, std::string& name) { json.Read("name", name); }

void ReadDefaults(Members json, TrainingDefaults& defaults) {
  json.Read("data", defaults.data);
  json.Read("batch", defaults.batch);
  json.Read("epochs", defaults.epochs);
  json.ReadIfThere("steps", defaults.steps);
  json.Read("optimizer", defaults.optimizer);
  json.Read("learning_rate", defaults.learning_rate);
  json.Read("learning_rate_schedule", defaults.learning_rate_schedule);
  json.Read("momentum", defaults.momentum);
  json.Read("weight_decay", defaults.weight_decay);
  json.ReadIfThere("beta1", defaults.beta1);
  json.ReadIfThere("beta2", defaults.beta2);
  json.ReadIfThere("alpha", defaults.alpha);
  json.ReadIfThere("epsilon", defaults.epsilon);
  json.ReadIfThere("lr_step_every", defaults.lr_step_every);
  json.ReadIfThere("lr_gamma", defaults.lr_gamma);
  json.ReadIfThere("min_learning_rate", defaults.min_learning_rate);
  json.ReadIfThere("warmup_steps", defaults.warmup_steps);
  json.ReadIfThere("clip_norm", defaults.clip_norm);
  json.ReadIfThere("stop_at_accuracy", defaults.stop_at_accuracy);
  json.ReadIfThere("stop_metric", defaults.stop_metric);
  json.ReadIfThere("stop_on", defaults.stop_on);
  json.ReadIfThere("patience", defaults.patience);
  json.ReadIfThere("patience_metric", defaults.patience_metric);
}

void ReadLayer(Members& json, LayerSpec& layer) {
  json.Read("name", layer.name);
  json.Read("op", layer.op);
  json.Read("output_shape", layer.output_shape);
  json.Read("parameters", layer.parameters);
  json.Read("flops", layer.flops);
  if (!json.Has("convolution")) return;
  Members inner = json.In("convolution");
  ConvolutionSpec& convolution = layer.convolution.emplace();
  inner.Read("input_shape", convolution.input_shape);
  inner.Read("kernel", convolution.kernel);
  inner.Read("stride", convolution.stride);
  inner.Read("padding", convolution.padding);
  inner.Read("weight", convolution.weight);
}

void ReadNode(Members& json, NodeSpec& node) {
  std::string stage;
  json.Read("name", node.name);
  json.Read("op", node.op);
  json.Read("attributes", node.attributes);
  json.Read("inputs", node.inputs);
  json.Read("shape", node.shape);
  json.Read("dtype", kStorages, "dtype", node.storage);
  json.Read("stage", stage);
  node.backward = stage == "backward";
  json.Read("formula", node.formula);
  json.Read("latex", node.latex);
  json.Read("symbol", node.symbol);
  json.ReadIfThere("adjoint_of", node.adjoint_of);
  json.ReadIfThere("adjoint_is_part", node.adjoint_is_part);
  json.Read("outputs", node.outputs);
}

void ReadGraphText(Members json, GraphText& text) {
  json.Read("forward", text.forward);
  json.Read("backward", text.backward);
  json.Read("final", text.final);
}

void ReadArgument(Members& json, ArgumentSpec& argument) {
  json.Read("name", argument.name);
  json.Read("kind", kArgumentKinds, "argument kind", argument.kind);
  json.ReadIfThere("tensor", argument.tensor);
  json.ReadIfThere("slot", argument.slot);
}

void ReadAllocation(Members& json, AllocationSpec& allocation) {
  json.Read("name", allocation.name);
  json.Read("bytes", allocation.bytes);
  json.Read("offset", allocation.offset);
}

void ReadStage(Members& json, StageSpec& stage) {
  json.Read("name", stage.name);
  json.Read("nodes", stage.nodes);
  json.Read("of", stage.of);
  json.Read("phase", stage.phase);
  json.Read("flops", stage.flops);
  json.Read("useful_flops", stage.useful_flops);
  json.Read("bytes", stage.bytes);
}

void ReadPipeline(Members& json, PipelineSpec& pipeline) {
  json.Read("function", pipeline.function);
  json.Read("kind", kPipelineKinds, "pipeline kind", pipeline.kind);
  json.Read("block", pipeline.block);
  json.Read("optimizer", pipeline.optimizer);
  json.Read("schedule", pipeline.schedule);
  json.ReadIfThere("failure", pipeline.failure);
  json.Read("workspace_bytes", pipeline.workspace_bytes);
  json.ReadIfThere("workspace_lower_bound", pipeline.workspace_lower_bound);
  json.ReadIfThere("stack_bytes", pipeline.stack_bytes);
  json.Read("allocations", pipeline.allocations, ReadAllocation);
  json.Read("arguments", pipeline.arguments, ReadArgument);
  json.ReadIfThere("stages", pipeline.stages, ReadStage);
}

void ReadFlops(Members json, FlopCounts& flops) {
  json.Read("forward", flops.forward);
  json.Read("useful_forward", flops.useful_forward);
  json.Read("useful_backward", flops.useful_backward);
  json.ReadIfThere("inference", flops.inference);
  json.ReadIfThere("useful_inference", flops.useful_inference);
}

void ReadRoot(Members json, Manifest& manifest) {
  int64_t version = 1;
  json.Read("kiln_manifest", version);
  if (version != 1) {
    json.Complain(absl::StrCat("version ", version,
                               " is not 1, the one this binary reads"));
  }
  json.Read("model", manifest.model);
  json.In("options").ReadTexts(manifest.options);
  json.Read("parameters", manifest.parameters, ReadParameter);
  json.Read("parameter_count", manifest.parameter_count);
  json.Read("arena_floats", manifest.arena_floats);
  json.ReadIfThere("whole_batch", manifest.whole_batch);
  json.ReadIfThere("prepared", manifest.prepared, ReadPrepared);
  json.ReadIfThere("prepared_floats", manifest.prepared_floats);
  json.Read("inputs", manifest.inputs, ReadInput);
  json.Read("targets", manifest.targets, ReadTarget);
  json.Read("outputs", manifest.outputs, ReadOutput);
  json.Read("losses", manifest.losses, ReadLoss);
  json.Read("metrics", manifest.metrics, ReadMetric);
  ReadDefaults(json.In("defaults"), manifest.defaults);
  ReadFlops(json.In("flops"), manifest.flops);
  json.Read("layers", manifest.layers, ReadLayer);
  ReadGraphText(json.In("graph"), manifest.dot);
  ReadGraphText(json.In("text"), manifest.text);
  json.Read("nodes", manifest.nodes, ReadNode);
  json.Read("pipelines", manifest.pipelines, ReadPipeline);
  json.ReadIfThere("profiled", manifest.profiled, ReadPipeline);
  json.ReadIfThere("notes", manifest.notes);
  json.ReadIfThere("count_only", manifest.count_only);
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
  const Json root = ParseJson(json);
  if (root.is_discarded()) {
    return absl::InvalidArgumentError("manifest: it is no JSON");
  }
  Manifest manifest;
  std::string problem;
  ReadRoot(Members(&root, problem), manifest);
  if (!problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("manifest: ", problem));
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
