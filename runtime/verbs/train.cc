// train: the training loop with its flags, its progress on standard output, and
// what it leaves behind: weights and a log.

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/curves.h"
#include "runtime/plot/gnuplot.h"
#include "runtime/progress.h"
#include "runtime/text_table.h"
#include "runtime/trainer.h"
#include "runtime/verbs/train_log.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

struct TrainFlags {
  TrainingOptions options;
  DataOptions data;
  std::string optimizer, schedule;
  uint64_t seed = 1;
  int64_t threads = 0;
  std::string init, save, log, plot;
};

TrainFlags FlagDefaults(const Manifest& manifest) {
  const TrainingDefaults& defaults = manifest.defaults;
  TrainFlags flags;
  flags.data = DefaultDataOptions(manifest);
  flags.optimizer = defaults.optimizer;
  flags.schedule = defaults.learning_rate_schedule;
  flags.options.epochs = defaults.epochs;
  flags.options.steps = defaults.steps;
  flags.options.batch = defaults.batch;
  flags.options.learning_rate = defaults.learning_rate;
  flags.options.momentum = defaults.momentum;
  flags.options.weight_decay = defaults.weight_decay;
  return flags;
}

void AddFlags(TrainFlags& f, FlagSet& flags) {
  TrainingOptions& o = f.options;
  AddDataFlags(flags, f.data);
  flags.Add("epochs", &o.epochs, "N", "passes over the training part");
  flags.Add("steps", &o.steps, "N",
            "exactly N steps, whatever the epochs; -1: as the epochs say");
  flags.Add("batch", &o.batch, "N", "samples a step; any number");
  flags.Add("optimizer", &f.optimizer, "NAME", "sgd or momentum");
  flags.Add("lr", &o.learning_rate, "X", "learning rate");
  flags.Add("lr_schedule", &f.schedule, "NAME",
            "constant, or cosine: to 0 at the run's end");
  flags.Add("momentum", &o.momentum, "X",
            "share of the velocity kept; --optimizer=momentum");
  flags.Add("weight_decay", &o.weight_decay, "X",
            "adds X times the parameter to its gradient");
  flags.Add("seed", &f.seed, "N", "of initial weights and order of samples");
  flags.Add("shuffle", &o.shuffle, "",
            "a new order of samples each epoch; --noshuffle: as they are");
  flags.Add("threads", &f.threads, "N",
            "accepted; this version runs on one thread");
  flags.Add("stop_at_accuracy", &o.stop_at_accuracy, "X",
            "end after the epoch whose test accuracy is at least X, 0 to 1; "
            "0: never");
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
  f.options.seed = f.seed;
  absl::Status status = CheckTrainingOptions(f.options);
  if (status.ok()) status = CheckAtLeast("threads", f.threads, 0);
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
  absl::PrintF("batch %d; %s", o.batch, f.optimizer);
  if (o.optimizer == OptimizerKind::kMomentum) absl::PrintF(" %g", o.momentum);
  absl::PrintF(", lr %g %s", o.learning_rate, f.schedule);
  if (o.weight_decay > 0) absl::PrintF(", weight decay %g", o.weight_decay);
  absl::PrintF("; %d steps; seed %d\n", trainer.total_steps(), f.seed);
}

// Tells the run's progress: a line at each epoch's end, or, of many short
// epochs, at each twentieth of the run.
class Reporter {
 public:
  Reporter(const Manifest& manifest, const Trainer& trainer,
           std::optional<TrainLog>& log, RunCurves* curves)
      : manifest_(manifest),
        accuracy_(manifest.FindMetric("accuracy")),
        epochs_(trainer.total_epochs()),
        progress_(stdout),
        log_(log),
        curves_(curves) {
    progress_.Start({.epochs = epochs_,
                     .steps_per_epoch = trainer.steps_per_epoch(),
                     .total_steps = trainer.total_steps()});
  }

  TrainingCallbacks Callbacks() {
    return {.on_step = [this](const TrainingStep& step) { Step(step); },
            .on_epoch = [this](const TrainingEpoch& epoch) { Epoch(epoch); }};
  }

  void Finish() { progress_.Finish(); }

 private:
  void Step(const TrainingStep& step) {
    if (log_.has_value()) log_->Step(step);
    if (curves_ != nullptr) curves_->Step(step);
    progress_.Step({.epoch = step.epoch,
                    .step = step.step,
                    .samples = step.batch->samples,
                    .loss = step.batch->MeanLoss(),
                    .accuracy = accuracy_ < 0
                                    ? std::numeric_limits<double>::quiet_NaN()
                                    : step.batch->MeanMetric(accuracy_)});
  }

  void Epoch(const TrainingEpoch& epoch) {
    if (log_.has_value()) log_->Epoch(epoch);
    if (curves_ != nullptr) curves_->Epoch(epoch);
    const int64_t every = (epochs_ + 19) / 20;
    if (epoch.epoch % every != 0 && epoch.epoch != epochs_) return;
    std::string line =
        absl::StrFormat("epoch %d/%d: train %s", epoch.epoch, epochs_,
                        MeansText(manifest_, *epoch.train));
    if (epoch.test != nullptr) {
      absl::StrAppend(&line, "; test ", MeansText(manifest_, *epoch.test));
    }
    absl::StrAppendFormat(&line, "; %.2f s", epoch.seconds);
    progress_.Print(line);
  }

  const Manifest& manifest_;
  const int accuracy_;
  const int64_t epochs_;
  ProgressReporter progress_;
  std::optional<TrainLog>& log_;
  RunCurves* const curves_;  // null: none are drawn
};

absl::Status Train(const VerbContext& context, const TrainFlags& f) {
  const Manifest& manifest = context.manifest;
  absl::StatusOr<std::unique_ptr<Model>> made = Model::Create(context.bundle);
  if (!made.ok()) return made.status();
  Model& model = **made;
  model.Initialize(f.seed);
  if (!f.init.empty()) {
    absl::Status status = model.LoadParameters(f.init);
    if (!status.ok()) return status;
  }
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
  Reporter reporter(manifest, *trainer, log,
                    f.plot.empty() ? nullptr : &curves);
  absl::StatusOr<TrainingResult> result = trainer->Run(reporter.Callbacks());
  reporter.Finish();
  if (log.has_value()) {
    absl::Status closed = log->Close();
    if (result.ok() && !closed.ok()) return closed;
  }
  if (!result.ok()) return result.status();

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
