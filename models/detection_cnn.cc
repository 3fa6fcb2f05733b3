// What is in an 8x8 image, and how wide is it? line_cnn's features under two
// heads: a classifier, and a regressor of the width. At learning rate 0.1, a
// weight of 0.01 gives the width's loss a learning rate of 0.001.
#include "dsl/model.h"
#include "models/conv_features.h"

using namespace kiln;

KILN_MODEL(m) {
  Value image = m.Input("image", {1, 8, 8});
  Value label = m.Labels("label", 2);
  Value width = m.Target("width", {1});
  Value features = ConvFeatures(m, image);
  Value logits =
      m.Dense("classifier", features,
              {.out = 2, .weight_init = kWeightInit, .bias_init = kBiasInit});
  Value guess =
      m.Dense("regressor", features,
              {.out = 1, .weight_init = kWeightInit, .bias_init = kBiasInit});
  m.Output("logits", logits);
  m.Output("width_guess", guess);
  m.Loss("class_loss", m.SoftmaxCrossEntropy(logits, label));
  m.Loss("width_loss", m.L2(guess, width), /*weight=*/0.01);
  m.Metric("accuracy", m.Accuracy(logits, label));
  m.Metric("width_accuracy", m.WithinTolerance(guess, width, 0.5));
  m.Defaults({.data = "detection",
              .batch = 64,
              .epochs = 10000,
              .optimizer = "sgd",
              .learning_rate = 0.1,
              .stop_at_accuracy = 1,
              .stop_metric = "width_accuracy"});
}
