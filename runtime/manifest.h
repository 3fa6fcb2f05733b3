// The manifest: everything the build knows about a model that the runtime
// needs.
//
// `<model>.generator --bundle` writes it as JSON; ParseManifest reads it into
// the structs below and refuses one that contradicts itself, so the rest of the
// runtime can index arenas by its offsets without looking twice.
//
// Shapes are per sample and row-major (PyTorch's order); sizes and offsets
// count floats unless a name says bytes.

#ifndef KILN_RUNTIME_MANIFEST_H_
#define KILN_RUNTIME_MANIFEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/bundle.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Every tensor's offset in an arena, and the arena's size, is a multiple of
// this many floats: 64 bytes, one cache line and one AVX-512 vector.
inline constexpr int64_t kArenaAlignmentFloats = 16;

// The distribution that a parameter's initial values are drawn from.
struct InitSpec {
  enum class Kind {
    kZeros,
    kConstant,
    kUniform,
    kNormal,
    kTruncatedNormal,
    kValues
  };
  Kind kind = Kind::kZeros;
  double value = 0;             // kConstant
  double low = 0, high = 0;     // kUniform: [low, high)
  double mean = 0, stddev = 0;  // kNormal, kTruncatedNormal
  std::vector<double> values;   // kValues: one an element, row-major
};

struct ParameterSpec {
  std::string name;    // PyTorch's: "conv1.weight"
  std::string c_name;  // "conv1_weight"
  std::vector<int64_t> shape;
  int64_t offset = 0;  // into every parameter-shaped arena
  int64_t size = 0;    // product of shape
  InitSpec init;
  bool frozen = false;  // never updated, has no gradient
  double learning_rate_multiplier = 1;
  double weight_decay_multiplier = 1;  // 0: weight decay leaves it alone
  bool buffer = false;  // the model's state: frozen, but each training step
                        // gives it a next value (running statistics)
};

struct InputSpec {
  std::string name;
  std::vector<int64_t> shape;
  Storage storage = Storage::kFloat32;  // kUint8 or kFloat32
  double scale = 1;                     // value = stored * scale
};

// A tensor that the prepare pipeline computes from the parameters and the infer
// pipelines read.
struct PreparedSpec {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset = 0;  // into the prepared arena
  int64_t size = 0;    // product of shape
};

// Class labels (classes > 0, int32) or values (float32).
using TargetSpec = ColumnSpec;

struct OutputSpec {
  std::string name;
  std::vector<int64_t> shape;
};

// One of the losses that are summed with their weights. Where there are
// several, each is a metric of its name as well.
struct LossSpec {
  std::string name;
  double weight = 1;
};

// Hyper-parameters stated in the model file; flags override them.
struct TrainingDefaults {
  std::string data;
  int64_t batch = 1;
  int64_t epochs = 1;
  int64_t steps = -1;  // -1: as many as the epochs make
  std::string optimizer = "sgd";
  double learning_rate = 0.01;
  std::string learning_rate_schedule = "constant";
  double momentum = 0;
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999;  // adam, adamw
  double alpha = 0.99;                // rmsprop
  double epsilon = 1e-8;              // these three
  int64_t lr_step_every = 0;          // epochs; schedule "step"
  double lr_gamma = 0.1;              // schedule "step"
  double min_learning_rate = 0;       // schedule "cosine"
  int64_t warmup_steps = 0;
  double clip_norm = 0;         // 0: never
  double stop_at_accuracy = 0;  // 0: never
  std::string stop_metric = "accuracy";
  std::string stop_on = "test";  // or "train"
  int64_t patience = 0;          // epochs; 0: without end
  std::string patience_metric = "loss";
};

// Floating-point operations per sample.
struct FlopCounts {
  int64_t forward = 0;          // every op; a maximum of n values costs n - 1
  int64_t useful_forward = 0;   // 2 per multiply-add of convolutions, dense
  int64_t useful_backward = 0;  // the same for the gradients that are needed
  // Of inference as it is compiled: the heads alone, layers folded.
  int64_t inference = 0;
  int64_t useful_inference = 0;
  int64_t useful_step() const { return useful_forward + useful_backward; }
};

// What ConvolutionMatrix needs to know of a conv2d layer.
struct ConvolutionSpec {
  std::vector<int64_t> input_shape;              // {channels, height, width}
  std::vector<int64_t> kernel, stride, padding;  // {height, width}
  std::string weight;                            // the parameter
};

struct LayerSpec {
  std::string name;
  std::string op;
  std::vector<int64_t> output_shape;
  int64_t parameters = 0;
  int64_t flops = 0;  // forward, every op
  std::optional<ConvolutionSpec> convolution = std::nullopt;  // of a conv2d
};

enum class ArgumentKind {
  kParameter,
  kParameterOut,
  kParameter64,
  kBufferOut,
  kStateIn,
  kStateOut,
  kGradient,
  kData,
  kTarget,
  kIndex,
  kWeight,
  kScale,
  kAccumulate,
  kLearningRate,
  kMomentum,
  kWeightDecay,
  kSeed,
  kStep,
  kWorkspace,
  kOutput,
  kLoss,
  kLoss64,
  kMetric,
  kPrepared,
  kPreparedOut,
  kTrace,
};

struct ArgumentSpec {
  std::string name;
  ArgumentKind kind = ArgumentKind::kParameter;
  std::string
      tensor;        // the parameter, input, target, output or metric it binds
  std::string slot;  // optimizer state only: "momentum"
};

enum class PipelineKind {
  kInfer,
  kEval,
  kGrad,
  kStep,
  kLoss64,
  kPrepare,
  kTrace,
};

struct AllocationSpec {
  std::string name;
  int64_t bytes = 0;
  int64_t offset = 0;  // bytes from the start of the workspace
};

// Of a profiled pipeline: what lies between one mark and the next
// (profile_marks.h).
struct StageSpec {
  std::string name;
  std::vector<std::string> nodes;  // that it computes; none: it is a helper
  std::string of;                  // the node that a helper is of, or ""
  std::string phase;  // "forward", "backward", "update", "backward+update"
  int64_t flops = 0, useful_flops = 0;  // of one call
  int64_t bytes = 0;                    // read and written, each tensor once
};

struct PipelineSpec {
  std::string function;
  PipelineKind kind = PipelineKind::kInfer;
  int64_t block = 1;      // samples (lanes) per call
  std::string optimizer;  // kStep only
  std::string schedule;   // "fast", "tuned" (fast with recorded tiles), "naive"
                          // or an autoscheduler's name
  std::string failure;    // why that autoscheduler did not schedule it: it is
                          // naive then; mostly nothing
  int64_t workspace_bytes = 0;
  // The largest sum of planned bytes alive at one time: no plan takes less.
  int64_t workspace_lower_bound = 0;
  int64_t stack_bytes = 0;  // beside the workspace, spilled registers aside
  std::vector<AllocationSpec> allocations;
  std::vector<ArgumentSpec> arguments;  // in the order of argv
  std::vector<StageSpec> stages = {};   // only of those in `profiled`
};

// One stage of the compiled graph, as text.
struct GraphText {
  std::string forward, backward, final;
};

// A node of the training graph: what `explain` says of it.
struct NodeSpec {
  std::string name;
  std::string op;
  std::string attributes;
  std::vector<std::string> inputs;  // names of nodes
  std::vector<int64_t> shape;
  Storage storage = Storage::kFloat32;  // kInt32: a class or a place
  bool backward = false;                // added by differentiation
  std::string formula;                  // an equation, of one sample
  std::string latex;                    // the same in LaTeX
  std::string symbol;                   // the node's in LaTeX
  std::string adjoint_of;  // the node by which this is the loss's gradient
  bool adjoint_is_part = false;  // one term of that gradient
  // What it is computed for: "head logits", "loss", "metric accuracy",
  // "gradient fc1.weight"; mostly nothing.
  std::vector<std::string> outputs;
};

struct Manifest {
  std::string model;
  // The variant that was built: {"activation", "relu"}, ...
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<ParameterSpec> parameters;
  int64_t parameter_count = 0;
  int64_t arena_floats = 0;  // parameters, gradients and state alike
  bool whole_batch = false;  // training needs a batch in one block: it has
                             // statistics of the batch
  std::vector<PreparedSpec> prepared;  // none: there is no prepare pipeline
  int64_t prepared_floats = 0;         // size of the prepared arena
  std::vector<InputSpec> inputs;
  std::vector<TargetSpec> targets;
  std::vector<OutputSpec> outputs;
  std::vector<LossSpec> losses;
  std::vector<std::string> metrics;
  TrainingDefaults defaults;
  FlopCounts flops;
  std::vector<LayerSpec> layers;
  GraphText dot, text;
  std::vector<NodeSpec> nodes;  // of the training graph, in order
  std::vector<PipelineSpec> pipelines;
  // With marks between their stages: for the verb `profile` and nothing else.
  std::vector<PipelineSpec> profiled;
  std::vector<std::string> notes;  // what the compiler did, a line each
  bool count_only = false;         // no pipelines: only to be looked at

  // The positions of these names, or -1.
  int FindParameter(absl::string_view name) const;
  int FindPrepared(absl::string_view name) const;
  int FindInput(absl::string_view name) const;
  int FindTarget(absl::string_view name) const;
  int FindOutput(absl::string_view name) const;
  int FindMetric(absl::string_view name) const;
  int FindNode(absl::string_view name) const;
};

// The product of the dimensions: 1 for {}.
int64_t ElementCount(const std::vector<int64_t>& shape);
const char* PipelineKindName(PipelineKind kind);
const char* ArgumentKindName(ArgumentKind kind);

// Reads and checks a manifest. Malformed JSON, missing members, wrong types and
// contradictions are InvalidArgument, naming the member.
absl::StatusOr<Manifest> ParseManifest(absl::string_view json);

// The same of what the bundle holds (ManifestText).
absl::StatusOr<Manifest> ReadManifest(const Bundle& bundle);

// The consistency half of ParseManifest: sizes match shapes, arena views are
// aligned, disjoint and inside the arena, every argument names a tensor that
// exists, each pipeline has exactly the arguments its kind needs.
absl::Status CheckManifest(const Manifest& manifest);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_MANIFEST_H_
