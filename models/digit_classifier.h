// What the five classifiers of growing depth have in common: how they start,
// and how they are trained, so that they can be compared.
#ifndef KILN_MODELS_DIGIT_CLASSIFIER_H_
#define KILN_MODELS_DIGIT_CLASSIFIER_H_

#include "dsl/model.h"

// He et al.'s initialisation: with the default one the signal fades from
// convolution to convolution, and some seeds do not start to learn.
inline kiln::Conv2dOptions Filters(int64_t count, int64_t kernel) {
  return {.out_channels = count,
          .kernel = kernel,
          .weight_init = kiln::Initializer::KaimingUniform()};
}

// Ten logits against `label`, and the training of all five. Without the limit
// of the gradient's norm a deep one may die on the way.
inline void TrainAsClassifier(kiln::ModelBuilder& m, kiln::Value logits,
                              kiln::Value label) {
  m.Output("logits", logits);
  m.Loss(m.SoftmaxCrossEntropy(logits, label));
  m.Metric("accuracy", m.Accuracy(logits, label));
  m.Defaults({.batch = 64,
              .epochs = 3,
              .learning_rate = 0.05,
              .momentum = 0.9,
              .clip_norm = 1});
}

#endif  // KILN_MODELS_DIGIT_CLASSIFIER_H_
