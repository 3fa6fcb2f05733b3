#include "runtime/verbs/train_log.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

// As many digits as bring the same double back; null for what JSON lacks.
void PrintNumber(std::FILE* file, double value) {
  if (std::isfinite(value)) {
    std::fprintf(file, "%.*g", std::numeric_limits<double>::max_digits10,
                 value);
  } else {
    std::fputs("null", file);
  }
}

}  // namespace

absl::StatusOr<TrainLog> TrainLog::Open(const std::string& path,
                                        const Manifest& manifest) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(path, ": cannot be written: ", std::strerror(errno)));
  }
  return TrainLog(path, file, manifest);
}

// Names of metrics are identifiers of the model file: nothing to escape.
void TrainLog::PrintMeans(const Totals& totals) {
  std::fputs("\"loss\":", file_.get());
  PrintNumber(file_.get(), totals.MeanLoss());
  for (size_t i = 0; i < totals.metrics.size(); ++i) {
    std::fprintf(file_.get(), ",\"%s\":", manifest_->metrics[i].c_str());
    PrintNumber(file_.get(), totals.MeanMetric(i));
  }
}

void TrainLog::Step(const TrainingStep& step) {
  std::fprintf(file_.get(),
               "{\"event\":\"step\",\"epoch\":%lld,\"step\":%lld,"
               "\"learning_rate\":",
               static_cast<long long>(step.epoch),
               static_cast<long long>(step.step));
  PrintNumber(file_.get(), step.learning_rate);
  std::fputs(",", file_.get());
  PrintMeans(*step.batch);
  std::fputs("}\n", file_.get());
}

void TrainLog::Epoch(const TrainingEpoch& epoch) {
  std::fprintf(file_.get(),
               "{\"event\":\"epoch\",\"epoch\":%lld,\"step\":%lld,"
               "\"seconds\":%.6f,\"train\":{",
               static_cast<long long>(epoch.epoch),
               static_cast<long long>(epoch.step), epoch.seconds);
  PrintMeans(*epoch.train);
  if (epoch.test != nullptr) {
    std::fputs("},\"test\":{", file_.get());
    PrintMeans(*epoch.test);
  }
  std::fputs("}}\n", file_.get());
  std::fflush(file_.get());  // a reader follows epoch by epoch
}

void TrainLog::PrintBest(const char* name, const BestEpoch& best) {
  if (best.epoch == 0) return;
  std::fprintf(file_.get(), ",\"%s\":{\"value\":", name);
  PrintNumber(file_.get(), best.value);
  std::fprintf(file_.get(), ",\"epoch\":%lld,\"step\":%lld}",
               static_cast<long long>(best.epoch),
               static_cast<long long>(best.step));
}

void TrainLog::End(const TrainingResult& result) {
  const char* reason = result.reason == StopReason::kAccuracy   ? "accuracy"
                       : result.reason == StopReason::kPatience ? "patience"
                                                                : "length";
  std::fprintf(file_.get(),
               "{\"event\":\"end\",\"epoch\":%lld,\"step\":%lld,"
               "\"reason\":\"%s\",\"restored\":%s",
               static_cast<long long>(result.epochs),
               static_cast<long long>(result.steps), reason,
               result.restored ? "true" : "false");
  PrintBest("best_accuracy", result.best_accuracy);
  PrintBest("best_watched", result.best_watched);
  std::fputs("}\n", file_.get());
}

absl::Status TrainLog::Close() {
  std::FILE* file = file_.release();
  const bool failed = std::ferror(file) != 0;
  if (std::fclose(file) == 0 && !failed) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path_, ": could not be written completely"));
}

}  // namespace runtime
}  // namespace kiln
