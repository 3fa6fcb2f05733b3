#include "generators/manifest_writer.h"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "dsl/analysis.h"
#include "dsl/evaluation_form.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/input.h"
#include "dsl/ops/parameter.h"
#include "dsl/passes.h"
#include "dsl/print.h"
#include "dsl/report.h"
#include "generators/model_generator.h"
#include "generators/node_table.h"
#include "generators/stage_table.h"
#include "nlohmann/json.hpp"

namespace kiln {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kArenaAlignment =
    16;  // floats: 64 bytes, a cache line and a vector

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file.fail())
    return absl::InternalError(absl::StrCat(path, ": cannot be written"));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Json InitializerJson(const Initializer& init) {
  switch (init.kind) {
    case Initializer::Kind::kConstant:
      return {{"kind", "constant"}, {"value", init.a}};
    case Initializer::Kind::kUniform:
      return {{"kind", "uniform"}, {"low", init.a}, {"high", init.b}};
    case Initializer::Kind::kNormal:
      return {{"kind", "normal"}, {"mean", init.a}, {"stddev", init.b}};
    case Initializer::Kind::kTruncatedNormal:
      return {
          {"kind", "truncated_normal"}, {"mean", init.a}, {"stddev", init.b}};
    case Initializer::Kind::kValues:
      return {{"kind", "values"}, {"values", init.values}};
    default:  // rules are resolved when a model is built
      break;
  }
  return {};
}

int64_t Aligned(int64_t size) {
  return (size + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

// Parameters in graph order, each at an aligned offset of the arena.
void AddParameters(const Graph& graph, Json& manifest) {
  int64_t offset = 0;
  Json parameters = Json::array();
  for (const Node& node : graph.nodes()) {
    const auto* op = dynamic_cast<const ParameterOp*>(node.op.get());
    if (op == nullptr) continue;
    const int64_t size = ElementCount(node.type.shape);
    parameters.push_back(
        {{"name", node.name},
         {"c_name", CName(node.name)},
         {"shape", node.type.shape},
         {"offset", offset},
         {"size", size},
         {"init", InitializerJson(op->spec().init)},
         {"frozen", op->spec().frozen},
         {"lr_multiplier", op->spec().lr_multiplier},
         {"weight_decay_multiplier", op->spec().weight_decay_multiplier},
         {"buffer", op->spec().buffer}});
    offset += Aligned(size);
  }
  manifest["parameters"] = parameters;
  manifest["parameter_count"] = ParameterCount(graph);
  manifest["arena_floats"] = offset;
}

// What the prepare pipeline writes and the infer pipelines read, in an arena of
// its own.
void AddPrepared(const Graph& prepare, Json& manifest) {
  int64_t offset = 0;
  manifest["prepared"] = Json::array();
  for (const Output& output : prepare.outputs()) {
    const Shape& shape = prepare.node(output.node).type.shape;
    const int64_t size = ElementCount(shape);
    manifest["prepared"].push_back({{"name", output.name},
                                    {"shape", shape},
                                    {"offset", offset},
                                    {"size", size}});
    offset += Aligned(size);
  }
  manifest["prepared_floats"] = offset;
}

void AddData(const Graph& graph, Json& manifest) {
  manifest["inputs"] = Json::array();
  manifest["targets"] = Json::array();
  for (const Node& node : graph.nodes()) {
    if (const auto* input = dynamic_cast<const InputOp*>(node.op.get())) {
      const bool is_uint8 = input->format().storage == Storage::kUint8;
      manifest["inputs"].push_back({{"name", node.name},
                                    {"shape", node.type.shape},
                                    {"storage", is_uint8 ? "uint8" : "float32"},
                                    {"scale", input->format().scale}});
    } else if (const auto* target =
                   dynamic_cast<const TargetOp*>(node.op.get())) {
      Json entry = {{"name", node.name},
                    {"kind", target->classes() > 0 ? "class" : "value"}};
      if (target->classes() > 0) entry["classes"] = target->classes();
      entry["shape"] = node.type.shape;
      entry["storage"] = target->classes() > 0 ? "int32" : "float32";
      manifest["targets"].push_back(entry);
    }
  }
}

void AddOutputs(const Graph& graph, const std::vector<LossTerm>& losses,
                Json& manifest) {
  manifest["outputs"] = Json::array();
  manifest["losses"] = Json::array();
  for (const LossTerm& loss : losses) {
    manifest["losses"].push_back(
        {{"name", loss.name}, {"weight", loss.weight}});
  }
  manifest["metrics"] = Json::array();
  for (const Output& output : graph.outputs()) {
    if (output.kind == OutputKind::kHead) {
      manifest["outputs"].push_back(
          {{"name", output.name},
           {"shape", graph.node(output.node).type.shape}});
    } else if (output.kind == OutputKind::kMetric) {
      manifest["metrics"].push_back({{"name", output.name}});
    }
  }
}

void AddDefaults(const TrainingDefaults& defaults, Json& manifest) {
  manifest["defaults"] = {
      {"data", defaults.data},
      {"batch", defaults.batch},
      {"epochs", defaults.epochs},
      {"steps", defaults.steps},
      {"optimizer", defaults.optimizer},
      {"learning_rate", defaults.learning_rate},
      {"learning_rate_schedule", defaults.learning_rate_schedule},
      {"momentum", defaults.momentum},
      {"weight_decay", defaults.weight_decay},
      {"beta1", defaults.beta1},
      {"beta2", defaults.beta2},
      {"alpha", defaults.alpha},
      {"epsilon", defaults.epsilon},
      {"lr_step_every", defaults.lr_step_every},
      {"lr_gamma", defaults.lr_gamma},
      {"min_learning_rate", defaults.min_learning_rate},
      {"warmup_steps", defaults.warmup_steps},
      {"clip_norm", defaults.clip_norm},
      {"stop_at_accuracy", defaults.stop_at_accuracy},
      {"stop_metric", defaults.stop_metric},
      {"stop_on", defaults.stop_on},
      {"patience", defaults.patience},
      {"patience_metric", defaults.patience_metric}};
}

// The rows of `summary`: every node that computes something, with the
// parameters it reads.
void AddLayers(const Graph& graph, Json& manifest) {
  manifest["layers"] = Json::array();
  for (const Node& node : graph.nodes()) {
    // Nor what a layer is made of: a batch's statistics.
    if (node.inputs.empty() || !node.type.per_sample) continue;
    int64_t parameters = 0;
    for (NodeId input : node.inputs) {
      const auto* parameter =
          dynamic_cast<const ParameterOp*>(graph.node(input).op.get());
      if (parameter != nullptr && !parameter->spec().buffer)
        parameters += ElementCount(graph.node(input).type.shape);
    }
    Json layer = {
        {"name", node.name},
        {"op", std::string(node.op->name().data(), node.op->name().size())},
        {"output_shape", node.type.shape},
        {"parameters", parameters},
        {"flops", FlopsOf(graph, node).all}};
    const auto* conv = dynamic_cast<const Conv2dOp*>(node.op.get());
    if (conv != nullptr &&
        graph.node(node.inputs[1]).op->name() == "parameter") {
      const Conv2dGeometry& g = conv->geometry();
      layer["convolution"] = {
          {"input_shape", graph.node(node.inputs[0]).type.shape},
          {"kernel", {g.kernel.height, g.kernel.width}},
          {"stride", {g.stride.height, g.stride.width}},
          {"padding", {g.padding.height, g.padding.width}},
          {"weight", graph.node(node.inputs[1]).name}};
    }
    manifest["layers"].push_back(std::move(layer));
  }
}

void AddGraphs(const CompiledModel& model, Json& manifest) {
  const TrainingFlops flops = CountTrainingFlops(model.forward, model.training);
  const FlopCount inference = CountFlops(model.inference.infer);
  manifest["flops"] = {{"forward", flops.forward},
                       {"useful_forward", flops.useful_forward},
                       {"useful_backward", flops.useful_backward},
                       {"inference", inference.all},
                       {"useful_inference", inference.useful}};
  const Graph backward = KeepOutputs(model.training, {OutputKind::kGradient});
  manifest["graph"] = {{"forward", ToDot(model.forward)},
                       {"backward", ToDot(backward)},
                       {"final", ToDot(model.training)}};
  manifest["text"] = {{"forward", ToText(model.forward)},
                      {"backward", ToText(backward)},
                      {"final", ToText(model.training)}};
}

// The text, compressed with zlib: `Bundle::manifest`.
absl::StatusOr<std::string> Compressed(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string bytes(size, '\0');
  const int code =
      compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                reinterpret_cast<const Bytef*>(text.data()), text.size(), 9);
  if (code != Z_OK) return absl::InternalError("zlib cannot compress");
  bytes.resize(size);
  return bytes;
}

// A list of chars, not a string literal, which may not be long (C++ asks
// compilers for 65,536 bytes).
std::string CharList(const std::string& bytes) {
  std::string list;
  for (size_t i = 0; i < bytes.size(); ++i) {
    absl::StrAppend(&list, i % 12 == 0 ? "\n    " : "", "'\\x",
                    absl::Hex(static_cast<unsigned char>(bytes[i])), "',");
  }
  return list;
}

std::string BundleSource(const std::string& name, const Json& manifest,
                         const std::string& compressed) {
  std::string declarations, table;
  for (const char* list : {"pipelines", "profiled"}) {
    for (const Json& pipeline : manifest[list]) {
      const std::string function = pipeline["function"];
      absl::StrAppend(&declarations, "extern \"C\" int ", function,
                      "_argv(void** args);\n");
      absl::StrAppend(&table, "    {\"", function, "\", ", function,
                      "_argv},\n");
    }
  }
  return absl::StrCat(
      "// Generated by Kiln from the model ", name, ".\n#include \"", name,
      ".h\"\n\n", declarations, "\nnamespace kiln::models {\nnamespace {\n\n",
      // C++ has no arrays of nothing.
      table.empty() ? "constexpr const PipelineEntry* kPipelines = nullptr;"
                    : absl::StrCat("constexpr PipelineEntry kPipelines[] = {\n",
                                   table, "};"),
      "\n\n// ", name, ".manifest.json as zlib compresses it.\n",
      "constexpr char kManifest[] = {", CharList(compressed),
      "};\n\nconstexpr Bundle kBundle = {\"", name,
      "\", {kManifest, sizeof(kManifest)},\n", "    kPipelines, ",
      manifest["pipelines"].size() + manifest["profiled"].size(),
      "};\n\n}  // namespace\n\nconst Bundle& ", name,
      "() { return kBundle; }\n\n}  // namespace kiln::models\n");
}

std::string HeaderSource(const std::string& name) {
  return absl::StrCat(
      "// Generated by Kiln: the model ", name,
      ", its manifest and compiled pipelines.\n#pragma once\n\n",
      "#include \"runtime/bundle.h\"\n\nnamespace kiln::models {\n\nconst "
      "Bundle& ",
      name, "();\n\n}  // namespace kiln::models\n");
}

std::string MainSource(const std::string& name) {
  return absl::StrCat("// Generated by Kiln: the command line of the model ",
                      name, ".\n#include \"", name,
                      ".h\"\n#include \"runtime/command_line.h\"\n\nint "
                      "main(int argc, char** argv) {\n",
                      "  return kiln::RunCommandLine(kiln::models::", name,
                      "(), argc, argv);\n}\n");
}

absl::StatusOr<Json> ReadRecord(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  Json record = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (record.is_discarded())
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is no pipeline record"));
  return record;
}

// Whether there is such a pipeline of that block already, since a budget has
// made two blocks one.
bool IsTwin(const Json& pipelines, const Json& record) {
  return std::any_of(pipelines.begin(), pipelines.end(),
                     [&](const Json& pipeline) {
                       return pipeline["kind"] == record["kind"] &&
                              pipeline["block"] == record["block"] &&
                              pipeline["optimizer"] == record["optimizer"];
                     });
}

std::string FunctionName(const std::string& record_path) {
  const size_t slash = record_path.rfind('/');
  const std::string file =
      slash == std::string::npos ? record_path : record_path.substr(slash + 1);
  return std::string(absl::StripSuffix(file, ".json"));
}

Json TileJson(const Tile& tile) { return {tile.vectors, tile.channels}; }

// With all tiles, for the tuner to try.
Json FamilyJson(const Family& family, const std::string& computation,
                int registers) {
  Json json = {
      {"name", family.name},
      {"space", {family.space.vectors, family.space.channels, computation}},
      {"computed", TileJson(ComputedSchedule(family, registers).tile)},
      {"candidates", Json::array()}};
  for (const Tile& tile : TilesByCost(family.space, registers))
    json["candidates"].push_back(TileJson(tile));
  return json;
}

}  // namespace

absl::Status WritePipelineRecord(const std::string& path,
                                 const PipelineRecord& record) {
  const bool is_double = RealType(record.options.kind).bits() == 64;
  Json json = {{"function", FunctionName(path)},
               {"kind", KindName(record.options.kind)},
               {"block", record.options.block},
               {"optimizer", record.options.optimizer},
               {"schedule", record.schedule},
               {"workspace_bytes", record.plan.bytes},
               {"workspace_lower_bound", record.plan.lower_bound},
               {"stack_bytes", record.plan.stack_bytes},
               {"allocations", Json::array()},
               {"arguments", Json::array()}};
  if (!record.failure.empty()) json["failure"] = record.failure;
  const bool is_profiled = !record.stages.empty();
  if (is_profiled) {
    json["target"] = record.target;
    json["stages"] = record.stages;
    json["stage_parts"] = record.stage_parts;
  }
  for (const ScheduleChoice& choice : record.choices) {
    if (choice.is_tuned) json["schedule"] = "tuned";
    json["schedules"].push_back({{"node", choice.node},
                                 {"family", choice.chosen.family},
                                 {"tile", TileJson(choice.chosen.tile)},
                                 {"tuned", choice.is_tuned}});
    if (!is_profiled) continue;
    for (const Family& family : choice.families) {
      json["schedules"].back()["families"].push_back(
          FamilyJson(family, choice.computation, record.registers));
    }
  }
  for (const PlannedAllocation& allocation : record.plan.allocations) {
    json["allocations"].push_back({{"name", BaseName(allocation.name)},
                                   {"bytes", allocation.bytes},
                                   {"offset", allocation.offset},
                                   {"first", allocation.first},
                                   {"last", allocation.last}});
  }
  for (const Argument& argument : record.arguments) {
    Json entry = {{"name", argument.name},
                  {"kind", ArgumentKindName(argument.kind, is_double)}};
    if (!argument.tensor.empty()) entry["tensor"] = argument.tensor;
    if (!argument.slot.empty()) entry["slot"] = argument.slot;
    if (argument.is_buffer) entry["extents"] = argument.extents;
    json["arguments"].push_back(entry);
  }
  return WriteFile(path, json.dump(1));
}

absl::Status AddBudgetToRecord(const std::string& path, int64_t budget,
                               int asked_block, const Notes& notes) {
  absl::StatusOr<Json> record = ReadRecord(path);
  if (!record.ok()) return record.status();
  const int64_t bytes = (*record)["workspace_bytes"].get<int64_t>() +
                        (*record)["stack_bytes"].get<int64_t>();
  if (bytes > budget) {
    return absl::InternalError(
        absl::StrCat(path, ": takes ", bytes, " bytes of ", budget));
  }
  (*record)["budget_bytes"] = budget;
  (*record)["asked_block"] = asked_block;
  (*record)["notes"] = notes;
  return WriteFile(path, record->dump(1));
}

namespace {

// What `profile` says of the stages, in place of their Funcs' names.
void DescribeStages(const CompiledModel& model, Json& record) {
  ProfiledFuncs funcs = {.block = record["block"],
                         .stages = record["stages"],
                         .parts = record["stage_parts"]};
  for (const Json& argument : record["arguments"]) {
    funcs.outputs.push_back(
        {argument["name"], argument["kind"], argument.value("tensor", "")});
  }
  for (const Json& allocation : record["allocations"])
    funcs.allocations.push_back({allocation["name"], allocation["bytes"]});
  const PipelineKind kind = *KindFromName(record["kind"]);
  for (const char* of_the_tuner : {"stage_parts", "schedules", "target"})
    record.erase(of_the_tuner);
  record["stages"] = Json::array();
  for (const Stage& stage :
       StageTable(PipelineGraph(model.training, kind), model.forward, funcs)) {
    record["stages"].push_back({{"name", stage.name},
                                {"nodes", stage.nodes},
                                {"of", stage.of},
                                {"phase", stage.phase},
                                {"flops", stage.flops},
                                {"useful_flops", stage.useful_flops},
                                {"bytes", stage.bytes}});
  }
}

}  // namespace

absl::Status WriteBundle(const CompiledModel& model, const std::string& name,
                         const std::string& directory,
                         const std::vector<std::string>& record_paths) {
  Json manifest = {{"kiln_manifest", 1}, {"model", name}};
  manifest["options"] = model.options;
  AddParameters(model.training, manifest);
  AddPrepared(model.inference.prepare, manifest);
  manifest["whole_batch"] = NeedsWholeBatch(model.training);
  AddData(model.forward, manifest);
  AddOutputs(model.forward, model.losses, manifest);
  AddDefaults(model.defaults, manifest);
  AddLayers(model.forward, manifest);
  AddGraphs(model, manifest);
  // What the passes did. Told here alone: each pipeline's generator compiles
  // the model, and what was left out is known by differentiating it again.
  absl::StatusOr<Notes> backward =
      ReportBackward(model.forward, model.training);
  if (!backward.ok()) return backward.status();
  Notes notes = model.inference.notes;
  notes.insert(notes.end(), backward->begin(), backward->end());
  manifest["notes"] = notes;
  manifest["count_only"] = record_paths.empty();
  manifest["nodes"] = NodeTable(model);
  manifest["pipelines"] = Json::array();
  manifest["profiled"] = Json::array();
  for (const std::string& path : record_paths) {
    absl::StatusOr<Json> record = ReadRecord(path);
    if (!record.ok()) return record.status();
    const bool is_empty =
        record->value("kind", "") == "prepare" && manifest["prepared"].empty();
    if (is_empty) continue;
    for (Json& argument : (*record)["arguments"])
      argument.erase("extents");  // the tuner's
    if (record->contains("stages")) {
      DescribeStages(model, *record);
      manifest["profiled"].push_back(*std::move(record));
      continue;
    }
    for (const Json& note : record->value("notes", Json::array()))
      manifest["notes"].push_back(note);
    record->erase("notes");
    if (IsTwin(manifest["pipelines"], *record)) continue;
    manifest["pipelines"].push_back(*std::move(record));
  }
  const std::string base = directory + "/" + name, json = manifest.dump(1);
  const absl::StatusOr<std::string> compressed = Compressed(json);
  if (!compressed.ok()) return compressed.status();
  for (const auto& [suffix, text] :
       {std::pair{".manifest.json", json},
        {".h", HeaderSource(name)},
        {"_bundle.cc", BundleSource(name, manifest, *compressed)},
        {"_main.cc", MainSource(name)}}) {
    if (absl::Status status = WriteFile(absl::StrCat(base, suffix), text);
        !status.ok())
      return status;
  }
  return absl::OkStatus();
}

}  // namespace kiln
