#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 6, 6});
  Value label = m.Labels("label", 3);
  x = m.Conv2d("conv1", x, {.out_channels = 3, .kernel = 3, .bias = false});
  x = m.RRelu(m.BatchNorm("bn1", x));
  x = m.Dense("fc1", m.Flatten(x), {.out = 9, .bias = false});
  x = m.Dropout(m.Tanh(m.BatchNorm("bn2", x, {.momentum = 0.25})), 0.25);
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 8, .optimizer = "sgd"});
}
