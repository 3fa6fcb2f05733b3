// The Halide generator of a model's pipelines; every <model>.generator
// registers it as "kiln".
#ifndef KILN_GENERATORS_MODEL_GENERATOR_H_
#define KILN_GENERATORS_MODEL_GENERATOR_H_

#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "absl/status/statusor.h"
#include "dsl/model.h"
#include "dsl/prepare.h"
#include "generators/arguments.h"
#include "generators/lowering.h"
#include "generators/workspace.h"

namespace kiln {

// The model of this executable, from its model file: forward and training
// graphs, verified and optimised.
struct CompiledModel {
  ModelOptions options;
  Graph forward;
  Graph training;
  InferencePlan inference;
  TrainingDefaults defaults;
  std::vector<LossTerm> losses;
};
// `options` as kiln_add_model writes them: "activation:relu,loss:l2".
absl::StatusOr<CompiledModel> CompileModel(const std::string& options);

class ModelGenerator : public Halide::Generator<ModelGenerator>,
                       private InputSource {
 public:
  Halide::GeneratorParam<std::string> kind{"kind", "infer"};
  Halide::GeneratorParam<int> block{"block", 1};
  Halide::GeneratorParam<std::string> schedule_name{"schedule", "fast"};
  Halide::GeneratorParam<std::string> optimizer{"optimizer", ""};
  Halide::GeneratorParam<std::string> options{"options", ""};  // of the model
  // To fit a budget (budget.h): the values that the backward pass computes
  // again, "conv1,pool1", and the bytes of stages that stay on the stack.
  Halide::GeneratorParam<std::string> recompute{"recompute", ""};
  Halide::GeneratorParam<int> root_stack{"root_stack",
                                         static_cast<int>(kRootStackBytes)};
  Halide::GeneratorParam<bool> profile{"profile", false};  // see ProfilePass
  // The tuner's record of this model and target; none when empty.
  Halide::GeneratorParam<std::string> tuned{"tuned", ""};
  // Where the pipeline's part of the manifest is written; not at all when
  // empty.
  Halide::GeneratorParam<std::string> record{"record", ""};
  // Why the autoscheduler that `schedule` names has not scheduled this.
  Halide::GeneratorParam<std::string> failure{"failure", ""};

  void configure();
  void generate();
  void schedule();

 private:
  void ReadSchedules();
  Halide::Func Buffer(const Argument& argument) override;
  Halide::Expr Scalar(const Argument& argument) override;
  Halide::Expr Samples(const Argument& argument) override;

  // A model with nothing to prepare has no prepare pipeline, but CMake asks for
  // one before the model is known: it gets this, which nothing links.
  bool IsEmpty() const { return graph_.outputs().empty(); }

  // Tells the autoscheduler what to expect, and leaves the rest to it.
  void PrepareAutoscheduling(const std::vector<Halide::Func>& outputs);

  Graph graph_;
  PipelineOptions options_;
  std::vector<Argument> arguments_;
  ScheduleRecord schedules_;
  std::vector<ScheduleChoice> choices_;
  std::map<std::string, Input<Halide::Buffer<>>*> buffers_;
  std::map<std::string, Input<float>*> scalars_;
  std::map<std::string, Input<uint32_t>*> words_;
  std::map<std::string, Output<Halide::Buffer<>>*> outputs_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_MODEL_GENERATOR_H_
