#include "runtime/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
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

}  // namespace

absl::Status CheckTrainingOptions(const TrainingOptions& options) {
  const auto refuse = [](const char* name, double value, const char* range) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", name, " must be ", range, ", not ", value));
  };
  if (options.batch < 1) return refuse("batch", options.batch, "at least 1");
  // A billion epochs of 2^31 steps still fit a step number.
  if (options.epochs < 0 || options.epochs > 1000000000) {
    return refuse("epochs", options.epochs, "between 0 and 1e9");
  }
  if (options.steps < -1) return refuse("steps", options.steps, "at least -1");
  for (const auto& [name, value] :
       {std::pair("learning rate", options.learning_rate),
        {"momentum", options.momentum},
        {"weight decay", options.weight_decay}}) {
    if (!std::isfinite(value) || value < 0) {
      return refuse(name, value, "a finite number of at least 0");
    }
  }
  if (!(options.stop_at_accuracy >= 0 && options.stop_at_accuracy <= 1)) {
    return refuse("accuracy to stop at", options.stop_at_accuracy,
                  "between 0 and 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<LearningRateSchedule> ParseSchedule(absl::string_view name) {
  if (name == "constant") return LearningRateSchedule::kConstant;
  if (name == "cosine") return LearningRateSchedule::kCosine;
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown learning-rate schedule \"", name, "\": use constant or cosine"));
}

double ScheduledLearningRate(LearningRateSchedule schedule,
                             double learning_rate, int64_t step,
                             int64_t total_steps) {
  if (schedule == LearningRateSchedule::kConstant) return learning_rate;
  const double done =
      static_cast<double>(step) / static_cast<double>(total_steps);
  return learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

absl::StatusOr<Trainer> Trainer::Create(Model& model, const DataBinding& train,
                                        const DataBinding* test,
                                        const TrainingOptions& options) {
  if (absl::Status status = CheckTrainingOptions(options); !status.ok())
    return status;
  if (options.stop_at_accuracy > 0) {
    if (model.manifest().FindMetric("accuracy") < 0) {
      return absl::FailedPreconditionError(
          "stopping at an accuracy needs a metric called accuracy");
    }
    if (test == nullptr) {
      return absl::FailedPreconditionError(
          "stopping at an accuracy needs a test part");
    }
  }
  absl::StatusOr<Optimizer> optimizer =
      Optimizer::Create(model, options.optimizer);
  if (!optimizer.ok()) return optimizer.status();

  Trainer trainer(model, train, test, options, *std::move(optimizer));
  const int64_t tail = train.samples() % trainer.options_.batch;
  absl::Status status = trainer.optimizer_.Prepare(trainer.options_.batch);
  if (status.ok() && tail > 0) status = trainer.optimizer_.Prepare(tail);
  if (!status.ok()) return status;
  return trainer;
}

Trainer::Trainer(Model& model, const DataBinding& train,
                 const DataBinding* test, const TrainingOptions& options,
                 Optimizer optimizer)
    : model_(&model),
      train_(&train),
      test_(test),
      options_(options),
      optimizer_(std::move(optimizer)),
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
  return (total_steps() + steps_per_epoch() - 1) / steps_per_epoch();
}

void Trainer::OrderSamples(int64_t epoch) {
  std::iota(order_.begin(), order_.end(), 0);
  if (!options_.shuffle) return;
  Random random(options_.seed, kShuffleStream + epoch);
  random.Shuffle(absl::MakeSpan(order_));
}

absl::StatusOr<TrainingResult> Trainer::Run(
    const TrainingCallbacks& callbacks) {
  const int accuracy = model_->manifest().FindMetric("accuracy");
  const absl::Span<const int32_t> order = absl::MakeConstSpan(order_);
  TrainingResult result;
  Totals batch, epoch, test;
  while (result.steps < total_steps() && !result.stopped) {
    ++result.epochs;
    OrderSamples(result.epochs);
    Clear(epoch);
    double seconds = -Seconds();
    for (int64_t first = 0;
         first < train_->samples() && result.steps < total_steps();
         first += options_.batch) {
      const double learning_rate =
          ScheduledLearningRate(options_.schedule, options_.learning_rate,
                                result.steps, total_steps());
      Clear(batch);
      model_->SetRandomKey(options_.seed, result.steps);
      absl::Status status = optimizer_.Step(
          *train_, order.subspan(first, options_.batch),
          {.learning_rate = static_cast<float>(learning_rate),
           .momentum = static_cast<float>(options_.momentum),
           .weight_decay = static_cast<float>(options_.weight_decay)},
          batch);
      if (!status.ok()) return status;
      ++result.steps;
      Add(batch, epoch);
      if (!std::isfinite(batch.loss)) {
        return absl::InternalError(
            absl::StrCat("training diverged: the loss of step ", result.steps,
                         " is ", batch.loss, "; try a lower learning rate"));
      }
      if (callbacks.on_step) {
        callbacks.on_step({.epoch = result.epochs,
                           .step = result.steps,
                           .learning_rate = learning_rate,
                           .batch = &batch,
                           .epoch_so_far = &epoch});
      }
    }
    seconds += Seconds();
    if (test_ != nullptr) {
      Clear(test);
      absl::Status status = model_->Evaluate(*test_, test);
      if (!status.ok()) return status;
      result.stopped = options_.stop_at_accuracy > 0 &&
                       test.MeanMetric(accuracy) >= options_.stop_at_accuracy;
    }
    if (callbacks.on_epoch) {
      callbacks.on_epoch({.epoch = result.epochs,
                          .step = result.steps,
                          .seconds = seconds,
                          .train = &epoch,
                          .test = test_ == nullptr ? nullptr : &test});
    }
  }
  return result;
}

}  // namespace runtime
}  // namespace kiln
