#include "runtime/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/learning_rate.h"
#include "runtime/random.h"

namespace kiln {
inline namespace runtime {

namespace {

// Epoch e draws its order from stream kShuffleStream + e of the seed: far from
// the streams that initialise parameters.
constexpr uint64_t kShuffleStream = uint64_t{1} << 32;

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Empties the sums and keeps their memory.
void Clear(Totals& totals) {
  totals.samples = 0;
  totals.loss = 0;
  std::fill(totals.metrics.begin(), totals.metrics.end(), 0.0);
}

void Add(const Totals& from, Totals& to) {
  to.samples += from.samples;
  to.loss += from.loss;
  to.metrics.resize(from.metrics.size());
  for (size_t i = 0; i < from.metrics.size(); ++i) {
    to.metrics[i] += from.metrics[i];
  }
}

absl::Status Diverged(const std::string& how) {
  return absl::InternalError(
      absl::StrCat("training diverged: ", how,
                   "; try a lower learning rate, or clip the gradient's norm"));
}

}  // namespace

absl::StatusOr<Trainer> Trainer::Create(Model& model, const DataBinding& train,
                                        const DataBinding* test,
                                        const TrainingOptions& options) {
  if (absl::Status status = CheckTrainingOptions(options); !status.ok())
    return status;
  absl::StatusOr<EarlyStopping> stopping =
      EarlyStopping::Create(model, options);
  if (!stopping.ok()) return stopping.status();
  absl::StatusOr<Optimizer> optimizer =
      Optimizer::Create(model, options.optimizer);
  if (!optimizer.ok()) return optimizer.status();
  optimizer->set_clip_norm(options.clip_norm);

  Trainer trainer(model, train, test, options, *std::move(optimizer),
                  *std::move(stopping));
  const int64_t tail = train.samples() % trainer.options_.batch;
  absl::Status status = trainer.optimizer_.Prepare(trainer.options_.batch);
  if (status.ok() && tail > 0) status = trainer.optimizer_.Prepare(tail);
  if (!status.ok()) return status;
  for (Totals* totals : {&trainer.batch_totals_, &trainer.epoch_totals_,
                         &trainer.test_totals_, &trainer.train_totals_}) {
    totals->metrics.resize(model.manifest().metrics.size());
  }
  if (test != nullptr) model.PrepareEvaluation(*test);
  if (!trainer.stops_on_test() && trainer.stopping_.active()) {
    model.PrepareEvaluation(train);
  }
  return trainer;
}

Trainer::Trainer(Model& model, const DataBinding& train,
                 const DataBinding* test, const TrainingOptions& options,
                 Optimizer optimizer, EarlyStopping stopping)
    : model_(&model),
      train_(&train),
      test_(test),
      options_(options),
      optimizer_(std::move(optimizer)),
      stopping_(std::move(stopping)),
      order_(train.samples()) {
  options_.batch = std::min<int64_t>(options_.batch, train.samples());
}

int64_t Trainer::steps_per_epoch() const {
  return (train_->samples() + options_.batch - 1) / options_.batch;
}

int64_t Trainer::total_steps() const {
  return options_.steps >= 0 ? options_.steps
                             : options_.epochs * steps_per_epoch();
}

int64_t Trainer::total_epochs() const {
  const int64_t rest = total_steps() % steps_per_epoch();
  return total_steps() / steps_per_epoch() + (rest > 0 ? 1 : 0);
}

void Trainer::OrderSamples(int64_t epoch) {
  std::iota(order_.begin(), order_.end(), 0);
  if (!options_.shuffle) return;
  Random random(options_.seed, kShuffleStream + epoch);
  random.Shuffle(absl::MakeSpan(order_));
}

absl::StatusOr<TrainingResult> Trainer::Run(
    const TrainingCallbacks& callbacks) {
  TrainingResult result;
  stopping_.Start();
  while (result.steps < total_steps() && !result.stopped) {
    ++result.epochs;
    OrderSamples(result.epochs);
    double seconds = -Seconds();
    absl::Status status = TrainEpoch(callbacks, result);
    if (!status.ok()) return status;
    seconds += Seconds();
    if (status = EndEpoch(result); !status.ok()) return status;
    if (callbacks.on_epoch) {
      callbacks.on_epoch(
          {.epoch = result.epochs,
           .step = result.steps,
           .seconds = seconds,
           .train = &epoch_totals_,
           .test = test_ == nullptr ? nullptr : &test_totals_,
           .last = result.stopped || result.steps >= total_steps()});
    }
  }
  result.best_accuracy = stopping_.best_accuracy();
  result.best_watched = stopping_.best_watched();
  // Weights that have the accuracy asked for are the ones to keep.
  if (result.reason != StopReason::kAccuracy) {
    result.restored = stopping_.RestoreBest();
  }
  return result;
}

absl::Status Trainer::TrainEpoch(const TrainingCallbacks& callbacks,
                                 TrainingResult& result) {
  const absl::Span<const int32_t> order = absl::MakeConstSpan(order_);
  Clear(epoch_totals_);
  for (int64_t first = 0;
       first < train_->samples() && result.steps < total_steps();
       first += options_.batch) {
    const double learning_rate = ScheduledLearningRate(
        options_, result.steps, total_steps(), steps_per_epoch());
    ++result.steps;
    absl::Status status =
        Step(order.subspan(first, options_.batch), learning_rate, result.steps);
    if (!status.ok()) return status;
    if (callbacks.on_step) {
      callbacks.on_step({.epoch = result.epochs,
                         .step = result.steps,
                         .learning_rate = learning_rate,
                         .batch = &batch_totals_,
                         .epoch_so_far = &epoch_totals_});
    }
  }
  return absl::OkStatus();
}

absl::Status Trainer::Step(absl::Span<const int32_t> rows, double learning_rate,
                           int64_t step) {
  Clear(batch_totals_);
  const absl::Status status =
      optimizer_.Step(*train_, rows,
                      {.learning_rate = learning_rate,
                       .momentum = options_.momentum,
                       .weight_decay = options_.weight_decay,
                       .beta1 = options_.beta1,
                       .beta2 = options_.beta2,
                       .alpha = options_.alpha,
                       .epsilon = options_.epsilon},
                      batch_totals_);
  // Before the status: a loss that is not finite is why clipping fails.
  if (!std::isfinite(batch_totals_.loss)) {
    return Diverged(
        absl::StrCat("the loss of step ", step, " is ", batch_totals_.loss));
  }
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("step ", step, ": ", status.message()));
  }
  Add(batch_totals_, epoch_totals_);
  return absl::OkStatus();
}

absl::Status Trainer::EndEpoch(TrainingResult& result) {
  absl::Status status = CheckParameters(result.steps);
  if (status.ok() && test_ != nullptr) {
    Clear(test_totals_);
    status = model_->Evaluate(*test_, test_totals_);
  }
  if (!status.ok() || !stopping_.active()) return status;
  if (!stops_on_test()) {
    Clear(train_totals_);
    status = model_->Evaluate(*train_, train_totals_);
    if (!status.ok()) return status;
  }
  result.reason =
      stopping_.EndOfEpoch(result.epochs, result.steps,
                           stops_on_test() ? test_totals_ : train_totals_);
  result.stopped = result.reason != StopReason::kLength;
  return absl::OkStatus();
}

// A finite loss may have a gradient that is not, and the last step's shows in
// no loss any more.
absl::Status Trainer::CheckParameters(int64_t step) const {
  for (size_t i = 0; i < model_->manifest().parameters.size(); ++i) {
    for (float value : model_->parameter(static_cast<int>(i))) {
      if (std::isfinite(value)) continue;
      return Diverged(absl::StrCat("after step ", step, " a weight of ",
                                   model_->manifest().parameters[i].name,
                                   " is ", value));
    }
  }
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
