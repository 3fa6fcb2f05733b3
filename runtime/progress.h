#ifndef KILN_RUNTIME_PROGRESS_H_
#define KILN_RUNTIME_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <limits>

#include "absl/strings/string_view.h"

namespace kiln {

// How long a training run is. Steps count from 1 over the whole run.
struct RunLength {
  int64_t epochs = 1;
  int64_t steps_per_epoch = 1;
  int64_t total_steps = 1;
  int64_t first_step = 1;  // above 1 when a run is resumed
};

// What one training step yielded.
struct StepReport {
  int64_t epoch = 1;    // 1..epochs
  int64_t step = 1;     // first_step..total_steps
  int64_t samples = 0;  // in this step's batch
  double loss = 0;      // mean over the batch
  // Mean over the batch, 0..1; NaN when the model has no such metric.
  double accuracy = std::numeric_limits<double>::quiet_NaN();
};

// Tells a person how training goes:
//
//   epoch 1/2  step 469/1876  loss 0.2113  accuracy 93.71 %  38211 samples/s
//   12 s left
//
// (in one line). Loss and accuracy are means over the samples of the epoch so
// far; samples/s and the time left come from the whole run so far.
// On a terminal this line is drawn again in place, at most ten times a second,
// and stays when an epoch ends. Elsewhere (a file, a pipe) plain lines are
// printed: ten an epoch and its end, but no more than about a hundred a run.
// Makes no heap call.
class ProgressReporter {
 public:
  // Seconds since some fixed moment.
  using Clock = double (*)();
  static double SteadySeconds();

  // Writes to `out`, which must outlive the reporter; in place if `out` is a
  // terminal.
  explicit ProgressReporter(std::FILE* out);
  // For tests: says whether `out` is a terminal, its columns, and what time it
  // is.
  ProgressReporter(std::FILE* out, bool terminal, int columns, Clock clock);

  // Begins a run. Time counts from here.
  void Start(const RunLength& run);
  // Takes note of a step, and prints if it is time to.
  void Step(const StepReport& report);
  // Prints a line of the caller's, leaving the progress line intact.
  void Print(absl::string_view line);
  // Ends the run early or at its last step: the latest state stays on screen.
  void Finish();

 private:
  bool LineDue(bool epoch_end) const;
  void Draw(bool keep);

  std::FILE* out_;
  bool terminal_;
  int columns_;
  Clock clock_;

  RunLength run_;
  StepReport latest_;
  double started_ = 0;
  double drawn_ = 0;        // when the line was last drawn
  int64_t drawn_step_ = 0;  // and with which step; 0: never
  bool line_open_ = false;  // a line without its newline is on screen
  int64_t run_samples_ = 0;
  int64_t epoch_samples_ = 0;
  double epoch_loss_ = 0;  // sums over the samples of the epoch so far
  double epoch_accuracy_ = 0;
};

}  // namespace kiln

#endif  // KILN_RUNTIME_PROGRESS_H_
