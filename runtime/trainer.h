// The training loop: epochs of shuffled batches, a learning rate for each step
// (learning_rate.h), evaluation at each epoch's end, and when to stop
// (early_stopping.h).

#ifndef KILN_RUNTIME_TRAINER_H_
#define KILN_RUNTIME_TRAINER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/data_binding.h"
#include "runtime/early_stopping.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"
#include "runtime/training_options.h"

namespace kiln {
inline namespace runtime {

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
  bool last = false;              // of the run
};

// What they throw reaches whoever called Run.
struct TrainingCallbacks {
  std::function<void(const TrainingStep&)> on_step;    // may be empty
  std::function<void(const TrainingEpoch&)> on_epoch;  // may be empty
};

struct TrainingResult {
  int64_t steps = 0;
  int64_t epochs = 0;    // begun
  bool stopped = false;  // early: before the epochs or steps were done
  StopReason reason = StopReason::kLength;
  // Of stop_metric with stop_at_accuracy, of patience_metric with patience; the
  // part that decides them. epoch is 0 where not asked for.
  BestEpoch best_accuracy, best_watched;
  bool restored = false;  // the weights are those of best_watched, not the last
};

class Trainer {
 public:
  // `model`, `train` and `test` (null: no test part) outlive the trainer; the
  // data are bound to the model's manifest.
  // Errors: CheckTrainingOptions; FailedPrecondition for a metric to stop by
  // that the model does not have; no memory.
  static absl::StatusOr<Trainer> Create(Model& model, const DataBinding& train,
                                        const DataBinding* test,
                                        const TrainingOptions& options);

  int64_t batch() const { return options_.batch; }  // at most the data set
  int64_t steps_per_epoch() const;  // the last batch may be short
  int64_t total_steps() const;
  int64_t total_epochs() const;  // the last may be cut short by `steps`
  // Whether the test part decides when to stop, not the training part.
  bool stops_on_test() const {
    return test_ != nullptr && !options_.stop_on_training_part;
  }

  // Trains from the model's present parameters. A step makes no heap call.
  // Internal, naming the step, when the loss or a weight is no longer finite:
  // training has diverged.
  absl::StatusOr<TrainingResult> Run(const TrainingCallbacks& callbacks = {});

 private:
  Trainer(Model& model, const DataBinding& train, const DataBinding* test,
          const TrainingOptions& options, Optimizer optimizer,
          EarlyStopping stopping);

  // The order of samples in an epoch: a function of seed and epoch alone.
  void OrderSamples(int64_t epoch);
  // Trains one epoch, or what is left of the run; its totals go to epoch_.
  absl::Status TrainEpoch(const TrainingCallbacks& callbacks,
                          TrainingResult& result);
  absl::Status Step(absl::Span<const int32_t> rows, double learning_rate,
                    int64_t step);
  // Evaluates, and decides whether the run goes on.
  absl::Status EndEpoch(TrainingResult& result);
  absl::Status CheckParameters(int64_t step) const;

  Model* model_;
  const DataBinding* train_;
  const DataBinding* test_;
  TrainingOptions options_;
  Optimizer optimizer_;
  EarlyStopping stopping_;
  std::vector<int32_t> order_;
  Totals batch_totals_, epoch_totals_, test_totals_, train_totals_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_TRAINER_H_
