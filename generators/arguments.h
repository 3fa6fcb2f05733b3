// The argument list of every pipeline: one function decides it for the Halide
// generator, the manifest and the tests.
#ifndef KILN_GENERATORS_ARGUMENTS_H_
#define KILN_GENERATORS_ARGUMENTS_H_

#include <string>
#include <vector>

#include "Halide.h"
#include "absl/status/statusor.h"
#include "dsl/graph.h"

namespace kiln {

enum class PipelineKind {
  kInfer,
  kEval,
  kGrad,
  kStep,
  kLoss64,
  kPrepare,
  kTrace,
};
enum class Schedule { kNaive, kFast };

class ScheduleRecord;

struct PipelineOptions {
  PipelineKind kind = PipelineKind::kInfer;
  int block = 1;  // samples per call, the extent of every `n`
  Schedule schedule = Schedule::kFast;
  std::string optimizer;                  // of a step: "sgd" or "momentum"
  const ScheduleRecord* tuned = nullptr;  // outlives the lowering; may be null
};

// "infer", ... and back.
std::string KindName(PipelineKind kind);
absl::StatusOr<PipelineKind> KindFromName(const std::string& name);

// What an argument is; names as in the manifest.
enum class ArgumentKind {
  kParameter,     // input: a parameter tensor
  kPrepared,      // input: what the prepare pipeline has computed
  kStateIn,       // input: an optimizer's state for a parameter
  kData,          // input: the data set's column, samples outermost
  kTarget,        // input: the data set's targets, samples outermost
  kIndex,         // input: the row of the data set for each lane
  kWeight,        // input: 1, or 0 for a lane past the end of the batch
  kScale,         // scalar: multiplies the gradient
  kAccumulate,    // scalar, 32 bits: all set to add to the gradient's buffers,
                  // none to store to them, whatever they held
  kLearningRate,  // scalar
  kMomentum,      // scalar
  kWeightDecay,   // scalar
  kSeed,          // scalar, 32 bits: of random numbers
  kStep,          // scalar, 32 bits: the step that they are drawn for
  kWorkspace,     // scalar pointer: the planned memory
  kOutput,        // output: a head, lanes outermost
  kLoss,          // output: sum over the lanes of weight * loss
  kMetric,        // output: sum over the lanes of weight * metric
  kGradient,      // output: added to, or stored (kAccumulate)
  kParameterOut,  // output: the updated parameter
  kStateOut,      // output: the updated state
  kPreparedOut,   // output: what parameters alone decide
  kBufferOut,     // output: the next value of the model's state
  kTrace,         // output: a node's value, of the block's only sample
};

struct Argument {
  ArgumentKind kind;
  std::string name;    // in C and in Halide
  std::string tensor;  // what it is of: the parameter's, input's, target's,
                       // head's, metric's or node's name
  std::string slot;    // of optimizer state: "momentum"
  Halide::Type type;
  std::vector<int> extents;  // innermost first; kAnyExtent for the samples of
                             // the data set. Empty for scalars.
  bool is_buffer = true;
};

constexpr int kAnyExtent = -1;

// "relu1$2" -> "relu1": Halide numbers Funcs of one name.
std::string BaseName(const std::string& func);

std::string ArgumentKindName(ArgumentKind kind, bool is_double);
bool IsOutput(const Argument& argument);

// The arguments of the pipeline, inputs first, in the order of its C function.
// `graph` is the graph it computes.
std::vector<Argument> ListArguments(const Graph& graph,
                                    const PipelineOptions& options);

// Fails, with the file and line of the model, when two arguments of a pipeline
// would have one name, or one that a layer or the Halide generator has itself.
absl::Status CheckArgumentNames(const Graph& training);

// The type that a pipeline of this kind computes in: float64 where what it
// gives is for comparing and explaining, float32 where it is for training.
Halide::Type RealType(PipelineKind kind);

// The part of `training` (forward, backward, all outputs) that this kind of
// pipeline computes: infer and prepare as PlanInference folds and cuts it.
// REQUIRES: PlanInference(training) is ok.
Graph PipelineGraph(const Graph& training, PipelineKind kind);

}  // namespace kiln

#endif  // KILN_GENERATORS_ARGUMENTS_H_
