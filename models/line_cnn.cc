// Is the line in an 8x8 image vertical or horizontal?
#include "dsl/model.h"
#include "models/conv_features.h"

using namespace kiln;

KILN_MODEL(m) {
  Value image = m.Input("image", {1, 8, 8});
  Value label = m.Labels("label", 2);
  Value logits =
      m.Dense("classifier", ConvFeatures(m, image),
              {.out = 2, .weight_init = kWeightInit, .bias_init = kBiasInit});
  m.Output("logits", logits);
  m.Loss(m.SoftmaxCrossEntropy(logits, label));
  m.Metric("accuracy", m.Accuracy(logits, label));
  m.Defaults({.data = "lines",
              .batch = 64,
              .epochs = 10000,
              .optimizer = "sgd",
              .learning_rate = 0.1,
              .stop_at_accuracy = 1});
}
