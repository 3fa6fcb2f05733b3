#include "generators/arguments.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "dsl/evaluation_form.h"
#include "dsl/ops/input.h"
#include "dsl/passes.h"
#include "dsl/prepare.h"

namespace kiln {
namespace {

constexpr struct {
  PipelineKind kind;
  const char* name;
} kKinds[] = {
    {PipelineKind::kInfer, "infer"},   {PipelineKind::kEval, "eval"},
    {PipelineKind::kGrad, "grad"},     {PipelineKind::kStep, "step"},
    {PipelineKind::kLoss64, "loss64"}, {PipelineKind::kPrepare, "prepare"},
    {PipelineKind::kTrace, "trace"}};

// Row-major extents, innermost first, as Halide counts them.
std::vector<int> Extents(const Shape& shape) {
  std::vector<int> extents(shape.begin(), shape.end());
  std::reverse(extents.begin(), extents.end());
  return extents;
}

std::vector<int> WithOuter(std::vector<int> extents, int outer) {
  extents.push_back(outer);
  return extents;
}

class Lister {
 public:
  Lister(const Graph& graph, const PipelineOptions& options)
      : graph_(graph),
        options_(options),
        real_(RealType(options.kind).bits()) {}

  std::vector<Argument> Run() {
    AddParameters();
    if (options_.kind != PipelineKind::kPrepare) AddData();
    if (options_.kind == PipelineKind::kGrad ||
        options_.kind == PipelineKind::kStep ||
        options_.kind == PipelineKind::kTrace)
      AddScalar(ArgumentKind::kScale);
    if (options_.kind == PipelineKind::kGrad)
      AddScalar(ArgumentKind::kAccumulate, Halide::UInt(32));
    if (options_.kind == PipelineKind::kStep) {
      AddScalar(ArgumentKind::kLearningRate);
      if (options_.optimizer == "momentum") AddScalar(ArgumentKind::kMomentum);
      AddScalar(ArgumentKind::kWeightDecay);
    }
    if (HasRandom(graph_)) {
      AddScalar(ArgumentKind::kSeed, Halide::UInt(32));
      AddScalar(ArgumentKind::kStep, Halide::UInt(32));
    }
    Add({ArgumentKind::kWorkspace,
         "workspace",
         "",
         "",
         Halide::type_of<void*>(),
         {},
         false});
    if (options_.kind == PipelineKind::kTrace) {
      AddTrace();
    } else {
      AddResults();
      AddBuffers();
    }
    return std::move(arguments_);
  }

 private:
  void Add(Argument argument) { arguments_.push_back(std::move(argument)); }

  void AddScalar(ArgumentKind kind,
                 const Halide::Type& type = Halide::Float(32)) {
    Add({kind, ArgumentKindName(kind, false), "", "", type, {}, false});
  }

  void AddParameters() {
    for (const Node& node : graph_.nodes()) {
      if (node.op->name() != "parameter") continue;
      Add({ArgumentKind::kParameter, CName(node.name), node.name, "",
           Halide::Float(real_), Extents(node.type.shape)});
    }
    for (const Node& node : graph_.nodes()) {
      if (node.op->name() != "prepared") continue;
      Add({ArgumentKind::kPrepared, CName(node.name) + "_prepared", node.name,
           "", Halide::Float(32), Extents(node.type.shape)});
    }
    if (options_.kind != PipelineKind::kStep ||
        options_.optimizer != "momentum")
      return;
    for (const Output& output : graph_.outputs()) {
      if (output.kind != OutputKind::kGradient) continue;
      Add({ArgumentKind::kStateIn,
           absl::StrCat(CName(output.name), "_momentum"), output.name,
           "momentum", Halide::Float(32),
           Extents(graph_.node(output.node).type.shape)});
    }
  }

  void AddData() {
    for (const Node& node : graph_.nodes()) {
      if (const auto* input = dynamic_cast<const InputOp*>(node.op.get())) {
        const bool is_uint8 = input->format().storage == Storage::kUint8;
        Add({ArgumentKind::kData, CName(node.name) + "_data", node.name, "",
             is_uint8 ? Halide::UInt(8) : Halide::Float(32),
             WithOuter(Extents(node.type.shape), kAnyExtent)});
      }
    }
    for (const Node& node : graph_.nodes()) {
      if (node.op->name() != "target") continue;
      Add({ArgumentKind::kTarget, CName(node.name) + "_target", node.name, "",
           node.type.dtype == DType::kInt32 ? Halide::Int(32)
                                            : Halide::Float(32),
           WithOuter(Extents(node.type.shape), kAnyExtent)});
    }
    Add({ArgumentKind::kIndex,
         "sample_index",
         "",
         "",
         Halide::Int(32),
         {options_.block}});
    if (options_.kind == PipelineKind::kInfer) return;
    Add({ArgumentKind::kWeight,
         "sample_weight",
         "",
         "",
         Halide::Float(32),
         {options_.block}});
  }

  // Parameters are what the caller gave.
  void AddTrace() {
    for (const Node& node : graph_.nodes()) {
      if (node.op->name() == "parameter") continue;
      Add({ArgumentKind::kTrace, CName(node.name) + "_trace", node.name, "",
           node.type.dtype == DType::kInt32 ? Halide::Int(32)
                                            : Halide::Float(real_),
           Extents(node.type.shape)});
    }
  }

  void AddResults() {
    for (const Output& output : graph_.outputs()) {
      const std::string name = CName(output.name);
      const std::vector<int> extents =
          Extents(graph_.node(output.node).type.shape);
      switch (output.kind) {
        case OutputKind::kHead:
          Add({ArgumentKind::kOutput, name + "_out", output.name, "",
               Halide::Float(32), WithOuter(extents, options_.block)});
          break;
        case OutputKind::kLoss:
          Add({ArgumentKind::kLoss,
               "loss_out",
               "",
               "",
               Halide::Float(real_),
               {}});
          break;
        case OutputKind::kMetric:
          Add({ArgumentKind::kMetric,
               name + "_out",
               output.name,
               "",
               Halide::Float(32),
               {}});
          break;
        case OutputKind::kPrepared:
          Add({ArgumentKind::kPreparedOut, name + "_out", output.name, "",
               Halide::Float(32), extents});
          break;
        case OutputKind::kGradient:
        case OutputKind::kState:
          break;
      }
    }
    // The last layer's first. Halide computes outputs in this order, each with
    // what it still lacks: so a layer's adjoint is summed into its gradients as
    // soon as it is there, and need not be kept until those of the first layer
    // are.
    for (auto it = graph_.outputs().rbegin(); it != graph_.outputs().rend();
         ++it) {
      const Output& output = *it;
      if (output.kind != OutputKind::kGradient) continue;
      const std::vector<int> extents =
          Extents(graph_.node(output.node).type.shape);
      const std::string name = CName(output.name);
      if (options_.kind == PipelineKind::kGrad) {
        Add({ArgumentKind::kGradient, name + "_grad", output.name, "",
             Halide::Float(32), extents});
        continue;
      }
      Add({ArgumentKind::kParameterOut, name + "_out", output.name, "",
           Halide::Float(32), extents});
      if (options_.optimizer == "momentum") {
        Add({ArgumentKind::kStateOut, name + "_momentum_out", output.name,
             "momentum", Halide::Float(32), extents});
      }
    }
  }

  void AddBuffers() {
    for (const Output& output : graph_.outputs()) {
      if (output.kind != OutputKind::kState) continue;
      Add({ArgumentKind::kBufferOut, CName(output.name) + "_out", output.name,
           "", Halide::Float(32),
           Extents(graph_.node(output.node).type.shape)});
    }
  }

  const Graph& graph_;
  const PipelineOptions& options_;
  const int real_;
  std::vector<Argument> arguments_;
};

}  // namespace

std::string KindName(PipelineKind kind) {
  for (const auto& entry : kKinds) {
    if (entry.kind == kind) return entry.name;
  }
  return "?";
}

absl::StatusOr<PipelineKind> KindFromName(const std::string& name) {
  for (const auto& entry : kKinds) {
    if (entry.name == name) return entry.kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no pipeline kind \"", name, "\""));
}

std::string BaseName(const std::string& func) {
  return func.substr(0, func.find('$'));
}

std::string ArgumentKindName(ArgumentKind kind, bool is_double) {
  switch (kind) {
    case ArgumentKind::kParameter:
      return is_double ? "parameter64" : "parameter";
    case ArgumentKind::kStateIn:
      return "state_in";
    case ArgumentKind::kData:
      return "data";
    case ArgumentKind::kTarget:
      return "target";
    case ArgumentKind::kIndex:
      return "index";
    case ArgumentKind::kWeight:
      return "weight";
    case ArgumentKind::kScale:
      return "scale";
    case ArgumentKind::kAccumulate:
      return "accumulate";
    case ArgumentKind::kLearningRate:
      return "learning_rate";
    case ArgumentKind::kMomentum:
      return "momentum";
    case ArgumentKind::kWeightDecay:
      return "weight_decay";
    case ArgumentKind::kSeed:
      return "seed";
    case ArgumentKind::kStep:
      return "step";
    case ArgumentKind::kWorkspace:
      return "workspace";
    case ArgumentKind::kOutput:
      return "output";
    case ArgumentKind::kLoss:
      return is_double ? "loss64" : "loss";
    case ArgumentKind::kMetric:
      return "metric";
    case ArgumentKind::kGradient:
      return "gradient";
    case ArgumentKind::kParameterOut:
      return "parameter_out";
    case ArgumentKind::kStateOut:
      return "state_out";
    case ArgumentKind::kPrepared:
      return "prepared";
    case ArgumentKind::kPreparedOut:
      return "prepared_out";
    case ArgumentKind::kBufferOut:
      return "buffer_out";
    case ArgumentKind::kTrace:
      return "trace";
  }
  return "?";
}

bool IsOutput(const Argument& argument) {
  return argument.kind >= ArgumentKind::kOutput;
}

std::vector<Argument> ListArguments(const Graph& graph,
                                    const PipelineOptions& options) {
  return Lister(graph, options).Run();
}

absl::Status CheckArgumentNames(const Graph& training) {
  // Parameters of the Halide generator share a name space with arguments.
  const std::set<std::string> reserved = {"autoscheduler", "block",  "kind",
                                          "optimizer",     "record", "schedule",
                                          "target"};
  auto error = [](const SourceLine& where, const std::string& name,
                  const std::string& argument) {
    return absl::InvalidArgumentError(absl::StrCat(
        ErrorPrefix(where, name), "the pipelines have an argument ", "called ",
        argument, " themselves; choose another name"));
  };
  for (PipelineKind kind :
       {PipelineKind::kInfer, PipelineKind::kEval, PipelineKind::kGrad,
        PipelineKind::kStep, PipelineKind::kTrace}) {
    const Graph graph = PipelineGraph(training, kind);
    std::set<std::string> names;
    for (const Argument& argument :
         ListArguments(graph, {kind, 1, Schedule::kFast, "momentum"})) {
      const bool is_new = names.insert(argument.name).second;
      if (is_new && reserved.count(argument.name) == 0) continue;
      SourceLine where;
      for (const Node& node : graph.nodes()) {
        if (node.name == argument.tensor) where = node.where;
      }
      for (const Output& output : graph.outputs()) {
        if (where.file.empty() && output.name == argument.tensor)
          where = graph.node(output.node).where;
      }
      return error(where, argument.tensor, argument.name);
    }
    // Nor may a layer's Func have the name of an argument. The sample weight's
    // has another name than its node.
    for (const Node& node : graph.nodes()) {
      const bool is_layer = !node.inputs.empty();
      if (is_layer && names.count(CName(node.name)) > 0)
        return error(node.where, node.name, CName(node.name));
    }
  }
  return absl::OkStatus();
}

Halide::Type RealType(PipelineKind kind) {
  const bool is_double =
      kind == PipelineKind::kLoss64 || kind == PipelineKind::kTrace;
  return Halide::Float(is_double ? 64 : 32);
}

Graph PipelineGraph(const Graph& training, PipelineKind kind) {
  switch (kind) {
    case PipelineKind::kInfer:
      return PlanInference(training).value().infer;
    case PipelineKind::kPrepare:
      return PlanInference(training).value().prepare;
    case PipelineKind::kEval:
      return EvaluationForm(
          KeepOutputs(training, {OutputKind::kLoss, OutputKind::kMetric}));
    case PipelineKind::kLoss64:
      return KeepOutputs(training, {OutputKind::kLoss});
    case PipelineKind::kGrad:
    case PipelineKind::kStep:
      return KeepOutputs(training, {OutputKind::kLoss, OutputKind::kMetric,
                                    OutputKind::kGradient, OutputKind::kState});
    case PipelineKind::kTrace:
      break;  // all of it
  }
  return training;
}

}  // namespace kiln
