#include "generators/model_generator.h"

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "dsl/passes.h"
#include "dsl/recompute.h"
#include "generators/autoschedule.h"
#include "generators/manifest_writer.h"
#include "generators/pipeline.h"
#include "generators/profile_pass.h"
#include "generators/rounding.h"
#include "generators/target_name.h"
#include "generators/tile_storage.h"
#include "generators/transpose_pass.h"

namespace kiln {

namespace {

// Plans the workspace and writes the pipeline's record as soon as the plan is
// known. Owned by the Halide pipeline.
class RecordingPass : public WorkspacePass {
 public:
  // `profile`, if not null, has run before.
  RecordingPass(int64_t root_stack_bytes, std::string path,
                PipelineRecord record, const ProfilePass* profile)
      : WorkspacePass(root_stack_bytes),
        path_(std::move(path)),
        record_(std::move(record)),
        profile_(profile) {}

  Halide::Internal::Stmt mutate(const Halide::Internal::Stmt& stmt) override {
    const bool is_first = !is_recorded_;
    is_recorded_ = true;
    Halide::Internal::Stmt result = WorkspacePass::mutate(stmt);
    if (!is_first) return result;
    _halide_user_assert(unplanned().empty())
        << "allocation " << unplanned()[0] << " has no constant size\n";
    record_.plan = plan();
    if (profile_ != nullptr) {
      record_.stages = profile_->stages();
      record_.stage_parts = profile_->parts();
    }
    if (!path_.empty()) {
      const absl::Status status = WritePipelineRecord(path_, record_);
      _halide_user_assert(status.ok()) << status.ToString() << "\n";
    }
    return result;
  }
  using WorkspacePass::mutate;

 private:
  bool is_recorded_ = false;
  const std::string path_;
  PipelineRecord record_;
  const ProfilePass* const profile_;
};

// Without an output there is no infer pipeline, which Halide would say in words
// of its own.
absl::Status CheckHasOutput(const Graph& forward) {
  for (const Output& output : forward.outputs()) {
    if (output.kind == OutputKind::kHead) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(ErrorPrefix(forward.nodes().back().where, "output"),
                   "the model has none; call Output()"));
}

}  // namespace

absl::StatusOr<CompiledModel> CompileModel(const std::string& options) {
  absl::StatusOr<ModelOptions> parsed = ParseModelOptions(options);
  if (!parsed.ok()) return parsed.status();
  ModelBuilder builder(*parsed);
  KilnModelDefinition(builder);
  absl::StatusOr<Model> model = builder.Build();
  if (!model.ok()) return model.status();
  if (absl::Status status = CheckHasOutput(model->graph); !status.ok())
    return status;
  absl::StatusOr<Graph> forward = Optimize(model->graph);
  if (!forward.ok()) return forward.status();
  absl::StatusOr<Graph> training = BuildTrainingGraph(model->graph);
  if (!training.ok()) return training.status();
  absl::StatusOr<InferencePlan> inference = PlanInference(*training);
  if (!inference.ok()) return inference.status();
  if (absl::Status status = CheckArgumentNames(*training); !status.ok())
    return status;
  return CompiledModel{*std::move(parsed),   *std::move(forward),
                       *std::move(training), *std::move(inference),
                       model->defaults,      model->losses};
}

void ModelGenerator::configure() {
  absl::StatusOr<CompiledModel> model = CompileModel(options);
  _halide_user_assert(model.ok()) << model.status().ToString() << "\n";
  absl::StatusOr<PipelineKind> parsed_kind = KindFromName(kind);
  _halide_user_assert(parsed_kind.ok())
      << parsed_kind.status().ToString() << "\n";
  options_ = {
      *parsed_kind, block,
      schedule_name.value() == "fast" ? Schedule::kFast : Schedule::kNaive,
      optimizer};
  if (!tuned.value().empty()) ReadSchedules();
  absl::StatusOr<Graph> graph = RecomputeInBackward(
      PipelineGraph(model->training, options_.kind),
      absl::StrSplit(recompute.value(), ',', absl::SkipEmpty()));
  _halide_user_assert(graph.ok()) << graph.status().ToString() << "\n";
  graph_ = *std::move(graph);
  if (IsEmpty()) {
    arguments_ = {
        {ArgumentKind::kPreparedOut, "nothing", "", "", Halide::Float(32), {}}};
  } else {
    arguments_ = ListArguments(graph_, options_);
  }
  for (const Argument& argument : arguments_) {
    const int dimensions = static_cast<int>(argument.extents.size());
    if (IsOutput(argument)) {
      outputs_[argument.name] = add_output<Halide::Buffer<>>(
          argument.name, argument.type, dimensions);
    } else if (argument.is_buffer) {
      buffers_[argument.name] =
          add_input<Halide::Buffer<>>(argument.name, argument.type, dimensions);
    } else if (argument.kind == ArgumentKind::kWorkspace) {
      add_input<Halide::Expr>(argument.name, argument.type);
    } else if (argument.type == Halide::UInt(32)) {
      words_[argument.name] = add_input<uint32_t>(argument.name);
    } else {
      scalars_[argument.name] = add_input<float>(argument.name);
    }
  }
}

// A record that cannot be used makes nothing wrong, only slower.
void ModelGenerator::ReadSchedules() {
  absl::StatusOr<ScheduleRecord> read = ScheduleRecord::Load(tuned);
  if (read.ok()) {
    schedules_ = *std::move(read);
    options_.tuned = &schedules_;
  } else {
    std::cerr << read.status().message() << ": not used; tune again\n";
  }
}

Halide::Func ModelGenerator::Buffer(const Argument& argument) {
  return *buffers_.at(argument.name);
}
Halide::Expr ModelGenerator::Scalar(const Argument& argument) {
  const auto word = words_.find(argument.name);
  if (word != words_.end()) return *word->second;
  return *scalars_.at(argument.name);
}
Halide::Expr ModelGenerator::Samples(const Argument& argument) {
  return buffers_.at(argument.name)
      ->dim(static_cast<int>(argument.extents.size()) - 1)
      .extent();
}

void ModelGenerator::generate() {
  for (const Argument& argument : arguments_) {
    if (!argument.is_buffer || IsOutput(argument)) continue;
    Constrain(*buffers_.at(argument.name), argument);
    const bool is_arena = argument.kind == ArgumentKind::kParameter ||
                          argument.kind == ArgumentKind::kPrepared ||
                          argument.kind == ArgumentKind::kStateIn;
    if (is_arena) buffers_.at(argument.name)->set_host_alignment(64);
  }
  if (IsEmpty()) {
    Halide::Func nothing("nothing");
    nothing() = 0.0f;
    *outputs_.at("nothing") = nothing;
    return;
  }
  const std::vector<Halide::Func> funcs =
      BuildPipeline(graph_, options_, get_target(), *this, &choices_);
  for (const std::string& entry : schedules_.Stale(options_)) {
    std::cerr << tuned.value() << ": " << entry << ": not used; tune again\n";
  }
  if (using_autoscheduler()) PrepareAutoscheduling(funcs);
  size_t next = 0;
  for (const Argument& argument : arguments_) {
    if (!IsOutput(argument)) continue;
    Output<Halide::Buffer<>>& output = *outputs_.at(argument.name);
    output = funcs[next++];
    Constrain(output, argument);
    if (argument.kind >= ArgumentKind::kGradient) output.set_host_alignment(64);
    if (using_autoscheduler()) output.set_estimates(EstimatedExtents(argument));
  }
}

void ModelGenerator::PrepareAutoscheduling(
    const std::vector<Halide::Func>& outputs) {
  ClearNaiveSchedule(outputs);
  for (const Argument& argument : arguments_) {
    if (IsOutput(argument)) continue;
    if (argument.is_buffer)
      buffers_.at(argument.name)->set_estimates(EstimatedExtents(argument));
  }
  for (auto& [name, scalar] : scalars_) scalar->set_estimate(0.5f);
  for (auto& [name, word] : words_) word->set_estimate(1);
}

void ModelGenerator::schedule() {
  PipelineRecord pipeline_record{options_, arguments_,    {},
                                 choices_, schedule_name, failure};
  if (using_autoscheduler()) {
    // What it allocates need not have constant size and may stand in parallel
    // loops: that stays with Halide's own allocator.
    if (record.value().empty()) return;
    const absl::Status status = WritePipelineRecord(record, pipeline_record);
    _halide_user_assert(status.ok()) << status.ToString() << "\n";
    return;
  }
  pipeline_record.target = TargetName(get_target());
  pipeline_record.registers = VectorRegisters(get_target());
  if (options_.schedule == Schedule::kFast)
    get_pipeline().add_custom_lowering_pass(new TileStoragePass);
  ProfilePass* marks = nullptr;
  if (profile) {
    marks = new ProfilePass;
    get_pipeline().add_custom_lowering_pass(marks);
  }
  get_pipeline().add_custom_lowering_pass(
      new RecordingPass(root_stack, record, std::move(pipeline_record), marks));
  // After it: the plan numbers the statements as the schedules make them.
  get_pipeline().add_custom_lowering_pass(new TransposePass);
  if (options_.schedule == Schedule::kFast)
    get_pipeline().add_custom_lowering_pass(new RoundingPass(get_target()));
}

}  // namespace kiln
