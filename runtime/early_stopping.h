#ifndef KILN_RUNTIME_EARLY_STOPPING_H_
#define KILN_RUNTIME_EARLY_STOPPING_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/model.h"
#include "runtime/training_options.h"

namespace kiln {
inline namespace runtime {

// The end of an epoch with the best value of something so far. epoch 0: none.
struct BestEpoch {
  double value = 0;
  int64_t epoch = 0, step = 0;
};

// Why a run ended.
enum class StopReason {
  kLength,    // all epochs or steps are done
  kAccuracy,  // stop_at_accuracy is reached
  kPatience,  // patience is spent
};

// Judges each epoch's end by the totals of the part that decides, and keeps the
// best epoch's weights for `patience`. Makes no heap call after Create.
class EarlyStopping {
 public:
  // `model` outlives the result. FailedPrecondition for a metric that the model
  // does not have.
  static absl::StatusOr<EarlyStopping> Create(Model& model,
                                              const TrainingOptions& options);

  // Whether anything is to be judged at all.
  bool active() const { return target_ > 0 || patience_ > 0; }

  // Begins a run: nothing has been the best yet.
  void Start();

  // Takes note of an epoch's end; kLength: go on.
  StopReason EndOfEpoch(int64_t epoch, int64_t step, const Totals& totals);

  // Puts the weights of the best epoch back, if `patience` is asked for and
  // they are not the present ones; says whether it did.
  bool RestoreBest();

  // Of stop_metric, while stop_at_accuracy is asked for.
  const BestEpoch& best_accuracy() const { return best_accuracy_; }
  // Of patience_metric, while patience is asked for.
  const BestEpoch& best_watched() const { return best_watched_; }

 private:
  explicit EarlyStopping(Model& model) : model_(&model) {}

  Model* model_;
  double target_ = 0;
  int metric_ = -1;
  int64_t patience_ = 0;
  int watched_ = -1;  // a metric's position; -1: the loss
  int64_t last_epoch_ = 0;
  BestEpoch best_accuracy_, best_watched_;
  std::vector<float> best_parameters_;  // laid out like the model's
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_EARLY_STOPPING_H_
