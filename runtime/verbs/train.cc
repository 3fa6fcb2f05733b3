// train: the training loop with its flags, its progress on standard output, and
// what it leaves behind: weights and a log.

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/parallel.h"
#include "runtime/plot/curves.h"
#include "runtime/plot/gnuplot.h"
#include "runtime/text_table.h"
#include "runtime/trainer.h"
#include "runtime/verbs/train_log.h"
#include "runtime/verbs/train_report.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

// --batch: a number of samples, or "all" for the whole training part.
struct BatchSize {
  int64_t samples = 1;
};

bool AbslParseFlag(absl::string_view text, BatchSize* batch,
                   std::string* error) {
  if (text == "all") {
    batch->samples = kWholeSet;
    return true;
  }
  if (absl::SimpleAtoi(text, &batch->samples)) return true;
  *error = "a number of samples, or all";
  return false;
}

std::string AbslUnparseFlag(const BatchSize& batch) {
  return batch.samples == kWholeSet ? "all" : absl::StrCat(batch.samples);
}

struct TrainFlags {
  TrainingOptions options;
  BatchSize batch;
  DataOptions data;
  std::string optimizer, schedule, stop_on;
  uint64_t seed = 1;
  int64_t threads = 0;
  std::string init, save, log, plot;
};

// The manifest is checked: its defaults make sense.
TrainFlags FlagDefaults(const Manifest& manifest) {
  const TrainingDefaults& defaults = manifest.defaults;
  TrainFlags flags;
  flags.options = OptionsFromDefaults(defaults).value();
  flags.batch.samples = defaults.batch;
  flags.data = DefaultDataOptions(manifest);
  flags.optimizer = defaults.optimizer;
  flags.schedule = defaults.learning_rate_schedule;
  flags.stop_on = defaults.stop_on;
  return flags;
}

void AddScheduleFlags(TrainFlags& f, FlagSet& flags) {
  TrainingOptions& o = f.options;
  flags.Add("lr_schedule", &f.schedule, "NAME",
            "constant; step: times --lr_gamma each --lr_step_every epochs; "
            "cosine: to --lr_min at the run's end");
  flags.Add("lr_step_every", &o.lr_step_every, "N",
            "epochs between steps; --lr_schedule=step");
  flags.Add("lr_gamma", &o.lr_gamma, "X",
            "the factor of a step; --lr_schedule=step");
  flags.Add("lr_min", &o.min_learning_rate, "X",
            "the last learning rate; --lr_schedule=cosine");
  flags.Add("warmup_steps", &o.warmup_steps, "N",
            "first the learning rate rises linearly for N steps; then the "
            "schedule begins");
}

void AddStoppingFlags(TrainFlags& f, FlagSet& flags) {
  TrainingOptions& o = f.options;
  flags.Add("stop_at_accuracy", &o.stop_at_accuracy, "X",
            "end after the epoch whose --stop_metric is at least X, 0 to 1; "
            "0: never");
  flags.Add("stop_metric", &o.stop_metric, "NAME",
            "the metric of --stop_at_accuracy");
  flags.Add("stop_on", &f.stop_on, "PART",
            "the part that decides when to stop: test, if there is one, or "
            "train");
  flags.Add("patience", &o.patience, "N",
            "end after N epochs without a better --patience_metric; keep the "
            "best epoch's weights; 0: never");
  flags.Add("patience_metric", &o.patience_metric, "NAME",
            "loss, or a metric of the model");
}

void AddFlags(TrainFlags& f, FlagSet& flags) {
  TrainingOptions& o = f.options;
  AddDataFlags(flags, f.data);
  flags.Add("epochs", &o.epochs, "N", "passes over the training part");
  flags.Add("steps", &o.steps, "N",
            "exactly N steps, whatever the epochs; -1: as the epochs say");
  flags.Add("batch", &f.batch, "N",
            "samples a step, any number; all: the whole training part");
  flags.Add("optimizer", &f.optimizer, "NAME", OptimizerNames());
  flags.Add("lr", &o.learning_rate, "X", "learning rate");
  AddScheduleFlags(f, flags);
  flags.Add("momentum", &o.momentum, "X",
            "share of the velocity kept; momentum and nesterov");
  flags.Add("weight_decay", &o.weight_decay, "X",
            "adds X times the parameter to its gradient; adamw: to its step");
  flags.Add("beta1", &o.beta1, "X",
            "share of the gradient's mean kept; adam and adamw");
  flags.Add("beta2", &o.beta2, "X",
            "share of the squared gradient's mean kept; adam and adamw");
  flags.Add("alpha", &o.alpha, "X",
            "share of the squared gradient's mean kept; rmsprop");
  flags.Add("epsilon", &o.epsilon, "X",
            "added to the divisor; adam, adamw and rmsprop");
  flags.Add("clip_norm", &o.clip_norm, "X",
            "scales gradients of a larger norm down to it; 0: never");
  flags.Add("seed", &f.seed, "N",
            "of initial weights, order of samples, dropout");
  flags.Add("shuffle", &o.shuffle, "",
            "a new order of samples each epoch; --noshuffle: as they are");
  AddThreadsFlag(flags, f.threads);
  AddStoppingFlags(f, flags);
  flags.Add("init", &f.init, "FILE", "initial weights, safetensors");
  flags.Add("save", &f.save, "FILE", "write the trained weights, safetensors");
  flags.Add("log", &f.log, "FILE.jsonl",
            "write a line of JSON a step and an epoch");
  flags.Add("plot", &f.plot, "FILE.png",
            "draw the curves of this run; needs gnuplot");
}

// Checks what can be checked before anything is loaded.
absl::Status CheckFlags(TrainFlags& f) {
  absl::StatusOr<OptimizerKind> optimizer = ParseOptimizer(f.optimizer);
  if (!optimizer.ok()) return optimizer.status();
  absl::StatusOr<LearningRateSchedule> schedule = ParseSchedule(f.schedule);
  if (!schedule.ok()) return schedule.status();
  f.options.optimizer = *optimizer;
  f.options.schedule = *schedule;
  absl::StatusOr<bool> stop_on = ParseStopOn(f.stop_on);
  if (!stop_on.ok()) return stop_on.status();
  f.options.stop_on_training_part = *stop_on;
  f.options.batch = f.batch.samples;
  f.options.seed = f.seed;
  absl::Status status = CheckTrainingOptions(f.options);
  if (status.ok()) status = ThreadCount(f.threads).status();
  if (status.ok()) status = CheckWritable(f.save);
  if (status.ok()) status = CheckWritable(f.plot);
  if (status.ok() && !f.plot.empty()) status = CheckGnuplot();
  return status;
}

void PrintHeader(const Manifest& manifest, const TrainFlags& f,
                 const BoundData& data, const Trainer& trainer) {
  const TrainingOptions& o = f.options;
  const int64_t test = data.test() == nullptr ? 0 : data.test()->samples();
  absl::PrintF("%s: %s parameters; data %s, %d training and %d test samples; ",
               manifest.model, WithCommas(manifest.parameter_count),
               f.data.source, data.train().samples(), test);
  absl::PrintF("batch %d; %s; %d steps; seed %d\n", trainer.batch(),
               UpdateText(o), trainer.total_steps(), f.seed);
}

absl::Status Train(const VerbContext& context, const TrainFlags& f) {
  const Manifest& manifest = context.manifest;
  absl::StatusOr<std::unique_ptr<Model>> made =
      ModelWithWeights(context, f.init, f.seed);
  if (!made.ok()) return made.status();
  Model& model = **made;
  if (absl::Status set = model.SetThreads(*ThreadCount(f.threads)); !set.ok())
    return set;
  absl::StatusOr<std::unique_ptr<BoundData>> data =
      BoundData::Load(manifest, f.data);
  if (!data.ok()) return data.status();
  absl::StatusOr<Trainer> trainer =
      Trainer::Create(model, (*data)->train(), (*data)->test(), f.options);
  if (!trainer.ok()) return trainer.status();
  std::optional<TrainLog> log;
  if (!f.log.empty()) {
    absl::StatusOr<TrainLog> opened = TrainLog::Open(f.log, manifest);
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
  }

  PrintHeader(manifest, f, **data, *trainer);
  RunCurves curves = RunCurves::Of(manifest);
  TrainReporter reporter(manifest, *trainer, log,
                         f.plot.empty() ? nullptr : &curves);
  absl::StatusOr<TrainingResult> result = trainer->Run(reporter.Callbacks());
  reporter.Finish();
  if (log.has_value()) {
    if (result.ok()) log->End(*result);
    absl::Status closed = log->Close();
    if (result.ok() && !closed.ok()) return closed;
  }
  if (!result.ok()) return result.status();
  std::printf("%s\n", EndText(f.options, *trainer, *result).c_str());

  if (!f.save.empty()) {
    absl::Status saved =
        model.SaveParameters(f.save, {{"model", manifest.model},
                                      {"steps", absl::StrCat(result->steps)},
                                      {"seed", absl::StrCat(f.seed)}});
    if (!saved.ok()) return saved;
    std::printf("saved %s\n", f.save.c_str());
  }
  if (!f.plot.empty()) {
    absl::Status drawn = WritePicture(
        CurvesPicture({&curves, 1},
                      {.title = absl::StrCat("Training ", manifest.model)}),
        f.plot, "");
    if (!drawn.ok()) return drawn;
    std::printf("wrote %s\n", f.plot.c_str());
  }
  Totals totals;
  const bool has_test = (*data)->test() != nullptr;
  absl::Status status =
      model.Evaluate(has_test ? *(*data)->test() : (*data)->train(), totals);
  if (!status.ok()) return status;
  std::printf(
      "%s\n",
      ResultLine(manifest, has_test ? "test" : "train", totals).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunTrain(const VerbContext& context) {
  TrainFlags f = FlagDefaults(context.manifest);
  FlagSet flags;
  AddFlags(f, flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  absl::Status status = CheckFlags(f);
  return status.ok() ? Train(context, f) : status;
}

}  // namespace runtime
}  // namespace kiln
