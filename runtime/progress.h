#ifndef KILN_RUNTIME_PROGRESS_H_
#define KILN_RUNTIME_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <limits>

#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

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

// Tells a person how training goes, in one line:
//
//   epoch 1/2  step 469/1876  loss 0.2113  accuracy 93.71 %  38211 samples/s
//   12 s left
//
// Loss and accuracy are means over the samples of the epoch so far; samples/s
// and the time left come from the whole run so far.
// On a terminal the line is drawn in place, at most ten times a second, and
// stays when an epoch ends. Elsewhere (a file, a pipe) plain lines are printed:
// ten an epoch, the last at its end, but about a hundred a run at most.
// Makes no heap call.
class ProgressReporter {
 public:
  // Seconds since some fixed moment.
  using Clock = double (*)();
  static double SteadySeconds();

  // Writes to `out`, which must outlive the reporter; in place if `out` is a
  // terminal.
  explicit ProgressReporter(std::FILE* out);
  // For tests: `columns` is the terminal's width, 0 if it is none.
  ProgressReporter(std::FILE* out, int columns, Clock clock);

  // Begins a run. Time counts from here.
  void Start(const RunLength& run);
  // Takes note of a step, and prints if it is time to.
  void Step(const StepReport& report);
  // Prints a line of the caller's (given without newline) above the progress.
  void Print(absl::string_view line);
  // Ends the run, early or at its last step: the latest state stays printed.
  void Finish();

 private:
  bool LineDue() const;
  void Draw(bool keep);

  std::FILE* out_;
  int columns_;
  Clock clock_;

  RunLength run_;
  StepReport latest_ = {.step = 0};
  double started_ = 0;
  double drawn_ = 0;        // when a line was last drawn
  int64_t kept_step_ = 0;   // the step of the last line that stays
  bool line_open_ = false;  // a line that does not stay is on screen
  int64_t run_samples_ = 0;
  int64_t epoch_samples_ = 0;
  double epoch_loss_ = 0;  // sums over the samples of the epoch so far
  double epoch_accuracy_ = 0;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PROGRESS_H_
