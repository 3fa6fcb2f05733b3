// What a training run is asked to do: by flags, by a program, or by the model
// file's defaults.

#ifndef KILN_RUNTIME_TRAINING_OPTIONS_H_
#define KILN_RUNTIME_TRAINING_OPTIONS_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/manifest.h"
#include "runtime/optimizer.h"

namespace kiln {
inline namespace runtime {

// How the learning rate changes (learning_rate.h has the formulas).
enum class LearningRateSchedule { kConstant, kStep, kCosine };

// "constant", "step" or "cosine"; InvalidArgument otherwise.
absl::StatusOr<LearningRateSchedule> ParseSchedule(absl::string_view name);

// As a batch: the whole training part, one step an epoch.
inline constexpr int64_t kWholeSet = std::numeric_limits<int64_t>::max();

struct TrainingOptions {
  int64_t epochs = 1;
  int64_t steps = -1;  // exactly this many, whatever the epochs; -1: no limit
  int64_t batch = 1;   // larger than the data set: the whole of it
  OptimizerKind optimizer = OptimizerKind::kSgd;
  double learning_rate = 0.01;
  LearningRateSchedule schedule = LearningRateSchedule::kConstant;
  double momentum = 0;
  double weight_decay = 0;
  uint64_t seed = 1;  // of the order of samples
  bool shuffle = true;
  // Ends the run at the first epoch's end at which stop_metric is at least
  // this, to within 1e-6 (a sample that has several outputs adds thirds or
  // sevenths of a right answer, which are rounded). 0: never.
  double stop_at_accuracy = 0;

  // Of adam, adamw and rmsprop: HyperParameters in optimizer.h.
  double beta1 = 0.9, beta2 = 0.999, alpha = 0.99, epsilon = 1e-8;

  int64_t lr_step_every = 0;     // epochs; kStep needs at least 1
  double lr_gamma = 0.1;         // kStep
  double min_learning_rate = 0;  // kCosine
  int64_t warmup_steps = 0;      // any schedule

  double clip_norm = 0;  // Optimizer::set_clip_norm; 0: never

  std::string stop_metric = "accuracy";  // a metric of the model
  // Whether the training part, evaluated at each epoch's end, decides when to
  // stop. False: the test part does, if there is one.
  bool stop_on_training_part = false;
  // Ends the run after this many epochs in a row without a better
  // patience_metric; then, as at the run's last epoch, the weights of the best
  // epoch are put back. 0: never.
  int64_t patience = 0;
  // "loss", of which less is better, or a metric, of which more is.
  std::string patience_metric = "loss";
};

// InvalidArgument, naming the option, for values that make no sense.
absl::Status CheckTrainingOptions(const TrainingOptions& options);

// The model file's own choice. InvalidArgument for a name that does not exist.
absl::StatusOr<TrainingOptions> OptionsFromDefaults(
    const TrainingDefaults& defaults);

// "test" is false, "train" is true: TrainingOptions::stop_on_training_part.
absl::StatusOr<bool> ParseStopOn(absl::string_view name);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_TRAINING_OPTIONS_H_
