#ifndef KILN_RUNTIME_VERBS_TRAIN_LOG_H_
#define KILN_RUNTIME_VERBS_TRAIN_LOG_H_

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/manifest.h"
#include "runtime/trainer.h"

namespace kiln {
inline namespace runtime {

// --log=FILE.jsonl: one JSON object a line,
//   {"event":"step","epoch":1,"step":1,"learning_rate":..,"loss":..,
//    "<metric>":..}                      the means over that step's batch
//   {"event":"epoch","epoch":1,"step":469,"seconds":..,
//    "train":{"loss":..,"<metric>":..},"test":{"loss":..,"<metric>":..}}
//   {"event":"end","epoch":1,"step":469,"reason":"length","restored":false,
//    "best_accuracy":{"value":..,"epoch":..,"step":..},"best_watched":{..}}
// The last line of a run that did not fail; reason is length, accuracy or
// patience; the bests are there where stop_at_accuracy or patience is asked
// for. A step's line is formatted on the stack: no heap call.
class TrainLog {
 public:
  // Empties or makes the file.
  static absl::StatusOr<TrainLog> Open(const std::string& path,
                                       const Manifest& manifest);

  void Step(const TrainingStep& step);
  void Epoch(const TrainingEpoch& epoch);
  void End(const TrainingResult& result);
  // Reports what could not be written, if anything.
  absl::Status Close();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  TrainLog(const std::string& path, std::FILE* file, const Manifest& manifest)
      : path_(path), file_(file), manifest_(&manifest) {}
  void PrintMeans(const Totals& totals);
  void PrintBest(const char* name, const BestEpoch& best);

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  const Manifest* manifest_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_VERBS_TRAIN_LOG_H_
