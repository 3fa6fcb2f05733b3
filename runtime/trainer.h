// The training loop: epochs of shuffled batches, a learning-rate schedule,
// evaluation at each epoch's end.

#ifndef KILN_RUNTIME_TRAINER_H_
#define KILN_RUNTIME_TRAINER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"

namespace kiln {
inline namespace runtime {

enum class LearningRateSchedule {
  kConstant,
  kCosine,  // lr (1 + cos(pi t / T)) / 2 at step t = 0..T-1 of T: from lr to 0
};

// "constant" or "cosine"; InvalidArgument otherwise.
absl::StatusOr<LearningRateSchedule> ParseSchedule(absl::string_view name);

// The learning rate of step `step` (from 0) of `total_steps`.
double ScheduledLearningRate(LearningRateSchedule schedule,
                             double learning_rate, int64_t step,
                             int64_t total_steps);

struct TrainingOptions {
  int64_t epochs = 1;
  int64_t steps = -1;  // exactly this many, whatever the epochs; -1: no limit
  int64_t batch = 1;   // larger than the data set: the whole of it
  OptimizerKind optimizer = OptimizerKind::kSgd;
  double learning_rate = 0.01;
  LearningRateSchedule schedule = LearningRateSchedule::kConstant;
  double momentum = 0;
  double weight_decay = 0;
  uint64_t seed = 1;  // of the order of samples, dropout, random slopes
  bool shuffle = true;
  double stop_at_accuracy = 0;  // of the test part, 0..1; 0: never
};

// InvalidArgument, naming the option, for values that make no sense.
absl::Status CheckTrainingOptions(const TrainingOptions& options);

// What a step yielded.
struct TrainingStep {
  int64_t epoch = 1;  // from 1
  int64_t step = 1;   // from 1, over the whole run
  double learning_rate = 0;
  const Totals* batch = nullptr;  // this step's
  const Totals* epoch_so_far = nullptr;
};

// What an epoch yielded. The last may be cut short by `steps`.
struct TrainingEpoch {
  int64_t epoch = 1;
  int64_t step = 1;
  double seconds = 0;             // training alone
  const Totals* train = nullptr;  // as training went, before each update
  const Totals* test = nullptr;   // at the epoch's end; null: no test part
};

struct TrainingCallbacks {
  std::function<void(const TrainingStep&)> on_step;    // may be empty
  std::function<void(const TrainingEpoch&)> on_epoch;  // may be empty
};

struct TrainingResult {
  int64_t steps = 0;
  int64_t epochs = 0;    // begun
  bool stopped = false;  // by stop_at_accuracy
};

class Trainer {
 public:
  // `model`, `train` and `test` (null: no test part) outlive the trainer; the
  // data are bound to the model's manifest.
  // Errors: CheckTrainingOptions; FailedPrecondition for stop_at_accuracy
  // without a test part or a metric called "accuracy"; no memory.
  static absl::StatusOr<Trainer> Create(Model& model, const DataBinding& train,
                                        const DataBinding* test,
                                        const TrainingOptions& options);

  int64_t steps_per_epoch() const;  // the last batch may be short
  int64_t total_steps() const;
  int64_t total_epochs() const;  // the last may be cut short by `steps`

  // Trains from the model's present parameters. A step makes no heap call.
  // Internal when the loss is no longer finite: training has diverged.
  absl::StatusOr<TrainingResult> Run(const TrainingCallbacks& callbacks = {});

 private:
  Trainer(Model& model, const DataBinding& train, const DataBinding* test,
          const TrainingOptions& options, Optimizer optimizer);

  // The order of samples in an epoch: a function of seed and epoch alone.
  void OrderSamples(int64_t epoch);

  Model* model_;
  const DataBinding* train_;
  const DataBinding* test_;
  TrainingOptions options_;
  Optimizer optimizer_;
  std::vector<int32_t> order_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_TRAINER_H_
