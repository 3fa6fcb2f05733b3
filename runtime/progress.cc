#include "runtime/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>

#include "absl/base/attributes.h"

namespace kiln {
inline namespace runtime {
namespace {

constexpr int64_t kLinesPerEpoch = 10;
constexpr int64_t kLinesPerRun = 100;
constexpr double kRedrawSeconds = 0.1;
constexpr int kMaxColumns = 160;

constexpr char kClearLine[] = "\r\x1b[K";

// Columns of the terminal that `out` is, or 0 if it is none.
int TerminalColumns(std::FILE* out) {
  const int descriptor = fileno(out);
  if (descriptor < 0 || isatty(descriptor) == 0) return 0;
  winsize size = {};
  const bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 0 ? size.ws_col : 80;
}

// What printf's %lld wants.
long long Wide(int64_t value) { return value; }

// Text that grows within a fixed buffer; what does not fit is dropped.
class Line {
 public:
  void Append(const char* format, ...) ABSL_PRINTF_ATTRIBUTE(2, 3) {
    va_list values;
    va_start(values, format);
    const int count =
        std::vsnprintf(text_ + size_, sizeof(text_) - size_, format, values);
    va_end(values);
    size_ = std::min<size_t>(size_ + std::max(count, 0), sizeof(text_) - 1);
  }
  // "48 s", "3 min 20 s" or "2 h 5 min".
  void AppendDuration(double seconds) {
    const int64_t s = std::llround(std::clamp(seconds, 0.0, 1e9));
    if (s < 60) {
      Append("%lld s", Wide(s));
    } else if (s < 3600) {
      Append("%lld min %lld s", Wide(s / 60), Wide(s % 60));
    } else {
      Append("%lld h %lld min", Wide(s / 3600), Wide(s / 60 % 60));
    }
  }
  void CutTo(int columns) {
    size_ = std::min<size_t>(size_, std::max(columns, 1));
    text_[size_] = '\0';
  }
  const char* text() const { return text_; }

 private:
  char text_[kMaxColumns + 1] = "";
  size_t size_ = 0;
};

}  // namespace

double ProgressReporter::SteadySeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

ProgressReporter::ProgressReporter(std::FILE* out)
    : ProgressReporter(out, TerminalColumns(out), SteadySeconds) {}

ProgressReporter::ProgressReporter(std::FILE* out, int columns, Clock clock)
    : out_(out), columns_(columns), clock_(clock) {}

void ProgressReporter::Start(const RunLength& run) {
  *this = ProgressReporter(out_, columns_, clock_);
  run_ = run;
  run_.steps_per_epoch = std::max<int64_t>(run.steps_per_epoch, 1);
  started_ = clock_();
}

void ProgressReporter::Step(const StepReport& report) {
  if (report.epoch != latest_.epoch) {
    epoch_samples_ = 0;
    epoch_loss_ = 0;
    epoch_accuracy_ = 0;
  }
  latest_ = report;
  const double samples = static_cast<double>(report.samples);
  run_samples_ += report.samples;
  epoch_samples_ += report.samples;
  epoch_loss_ += samples * report.loss;
  epoch_accuracy_ += samples * report.accuracy;

  if (LineDue()) {
    Draw(/*keep=*/true);
  } else if (columns_ > 0 && clock_() - drawn_ >= kRedrawSeconds) {
    Draw(/*keep=*/false);
  }
}

void ProgressReporter::Print(absl::string_view line) {
  const bool redraw = line_open_;
  if (line_open_) std::fputs(kClearLine, out_);
  line_open_ = false;
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fputc('\n', out_);
  if (redraw) Draw(/*keep=*/false);
  std::fflush(out_);
}

void ProgressReporter::Finish() {
  if (latest_.step > kept_step_) Draw(/*keep=*/true);
}

// Ten lines an epoch, the last at its end; fewer in a run of more than ten
// epochs, and not even one an epoch in a run of more than a hundred. On a
// terminal only those at an epoch's end stay.
bool ProgressReporter::LineDue() const {
  if (latest_.step >= run_.total_steps) return true;
  const int64_t per_epoch = run_.steps_per_epoch;
  const int64_t epochs = (run_.total_steps + per_epoch - 1) / per_epoch;
  const int64_t in_epoch = (latest_.step - 1) % per_epoch + 1;
  if (in_epoch == per_epoch) {
    const int64_t epochs_per_line = (epochs + kLinesPerRun - 1) / kLinesPerRun;
    return latest_.epoch % epochs_per_line == 0;
  }
  if (columns_ > 0) return false;
  const int64_t lines =
      std::min(kLinesPerEpoch, kLinesPerRun / std::max<int64_t>(epochs, 1));
  return in_epoch * lines / per_epoch > (in_epoch - 1) * lines / per_epoch;
}

void ProgressReporter::Draw(bool keep) {
  const double now = clock_();
  const double elapsed = std::max(now - started_, 1e-9);
  const double samples =
      std::max<double>(static_cast<double>(epoch_samples_), 1);

  Line line;
  line.Append("epoch %lld/%lld  step %lld/%lld  loss %.4g", Wide(latest_.epoch),
              Wide(run_.epochs), Wide(latest_.step), Wide(run_.total_steps),
              epoch_loss_ / samples);
  if (!std::isnan(epoch_accuracy_)) {
    line.Append("  accuracy %.2f %%", 100 * epoch_accuracy_ / samples);
  }
  line.Append("  %.0f samples/s  ",
              static_cast<double>(run_samples_) / elapsed);
  const int64_t left = run_.total_steps - latest_.step;
  if (left > 0) {
    const int64_t done = latest_.step - run_.first_step + 1;
    line.AppendDuration(elapsed * static_cast<double>(left) /
                        static_cast<double>(std::max<int64_t>(done, 1)));
    line.Append(" left");
  } else {
    line.Append("took ");
    line.AppendDuration(elapsed);
  }

  if (columns_ > 0) {
    // A line that wraps could not be drawn over.
    line.CutTo(columns_ - 1);
    std::fputs(kClearLine, out_);
  }
  std::fputs(line.text(), out_);
  if (keep) std::fputc('\n', out_);
  std::fflush(out_);
  line_open_ = !keep;
  drawn_ = now;
  if (keep) kept_step_ = latest_.step;
}

}  // namespace runtime
}  // namespace kiln
