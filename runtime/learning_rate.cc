#include "runtime/learning_rate.h"

#include <numbers>

namespace kiln {
inline namespace runtime {

namespace {

// cos(x), |x| <= pi / 4, by Taylor's series: the next term is 2e-18.
double CosineNearZero(double x) {
  const double square = x * x;
  double sum = 1;
  for (int n = 16; n > 0; n -= 2) sum = 1 - square * sum / (n * (n - 1));
  return sum;
}

// sin(x), likewise: the next term is 1e-19 of x.
double SineNearZero(double x) {
  const double square = x * x;
  double sum = 1;
  for (int n = 17; n > 1; n -= 2) sum = 1 - square * sum / (n * (n - 1));
  return x * sum;
}

// (1 + cos(pi x)) / 2 for x in [0, 1], as the square of cos(pi x / 2), which
// loses no digits near 1.
double RaisedCosine(double x) {
  const double root = x <= 0.5 ? CosineNearZero(std::numbers::pi / 2 * x)
                               : SineNearZero(std::numbers::pi / 2 * (1 - x));
  return root * root;
}

// Squaring and multiplying; std::pow may round otherwise elsewhere.
double Power(double base, int64_t exponent) {
  double power = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 != 0) power *= base;
    base *= base;
  }
  return power;
}

}  // namespace

double ScheduledLearningRate(const TrainingOptions& options, int64_t step,
                             int64_t total_steps, int64_t steps_per_epoch) {
  const double rate = options.learning_rate;
  if (step < options.warmup_steps) {
    return rate * (static_cast<double>(step + 1) /
                   static_cast<double>(options.warmup_steps));
  }
  const int64_t done = step - options.warmup_steps;
  const int64_t all = total_steps - options.warmup_steps;
  switch (options.schedule) {
    case LearningRateSchedule::kConstant:
      break;
    case LearningRateSchedule::kStep:
      return rate * Power(options.lr_gamma,
                          done / steps_per_epoch / options.lr_step_every);
    case LearningRateSchedule::kCosine: {
      const double lowest = options.min_learning_rate;
      return lowest + (rate - lowest) * RaisedCosine(static_cast<double>(done) /
                                                     static_cast<double>(all));
    }
  }
  return rate;
}

}  // namespace runtime
}  // namespace kiln
