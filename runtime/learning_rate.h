#ifndef KILN_RUNTIME_LEARNING_RATE_H_
#define KILN_RUNTIME_LEARNING_RATE_H_

#include <cstdint>

#include "runtime/training_options.h"

namespace kiln {
inline namespace runtime {

// The learning rate of step `step` (from 0) of `total_steps`.
//
// During the first w = warmup_steps steps lr (step + 1) / w. After them, with
// t = step - w of T = total_steps - w steps:
//   constant  lr
//   step      lr gamma^floor(t / (lr_step_every steps_per_epoch))
//   cosine    min + (lr - min) (1 + cos(pi t / T)) / 2: from lr towards min
// as PyTorch's ConstantLR, StepLR and CosineAnnealingLR behind a LinearLR.
// A function of its arguments to the last bit, on every machine: only
// operations that IEEE 754 rounds exactly.
//
// REQUIRES: 0 <= step < total_steps; CheckTrainingOptions(options).
double ScheduledLearningRate(const TrainingOptions& options, int64_t step,
                             int64_t total_steps, int64_t steps_per_epoch);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_LEARNING_RATE_H_
