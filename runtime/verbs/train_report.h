// What `train` tells about a run while it goes and when it ends.

#ifndef KILN_RUNTIME_VERBS_TRAIN_REPORT_H_
#define KILN_RUNTIME_VERBS_TRAIN_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/manifest.h"
#include "runtime/plot/curves.h"
#include "runtime/progress.h"
#include "runtime/trainer.h"
#include "runtime/verbs/train_log.h"

namespace kiln {
inline namespace runtime {

// "momentum 0.9, lr 0.05 cosine, weight decay 0.001": how the weights move.
std::string UpdateText(const TrainingOptions& options);

// "stopped after 372 steps, 372 epochs: train accuracy 100.00 % reached": why
// the run ended, when, and with whose weights.
std::string EndText(const TrainingOptions& options, const Trainer& trainer,
                    const TrainingResult& result);

// Prints a run's progress on standard output: a line at each epoch's end, or,
// of many short epochs, at each twentieth of the run. Writes the log, if any.
class TrainReporter {
 public:
  // All outlive the reporter. `curves` may be null.
  TrainReporter(const Manifest& manifest, const Trainer& trainer,
                std::optional<TrainLog>& log, RunCurves* curves);

  TrainingCallbacks Callbacks() {
    return {.on_step = [this](const TrainingStep& step) { Step(step); },
            .on_epoch = [this](const TrainingEpoch& epoch) { Epoch(epoch); }};
  }

  void Finish() { progress_.Finish(); }

 private:
  void Step(const TrainingStep& step);
  void Epoch(const TrainingEpoch& epoch);

  const Manifest& manifest_;
  const int accuracy_;
  const int64_t epochs_;
  ProgressReporter progress_;
  std::optional<TrainLog>& log_;
  RunCurves* const curves_;  // null: none are drawn
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_VERBS_TRAIN_REPORT_H_
