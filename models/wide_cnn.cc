// Four convolutions of 64 and 128 channels over a 3x32x32 image: a network
// whose arithmetic, 0.9 GFLOP a sample and step, leaves little else to wait
// for.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {3, 32, 32});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 64, .kernel = 3}));
  x = m.Relu(m.Conv2d("conv2", x, {.out_channels = 64, .kernel = 3}));
  x = m.MaxPool(x);
  x = m.Relu(m.Conv2d("conv3", x, {.out_channels = 128, .kernel = 3}));
  x = m.Relu(m.Conv2d("conv4", x, {.out_channels = 128, .kernel = 3}));
  x = m.MaxPool(x);
  x = m.Dense("fc1", m.Flatten(x), {.out = 10});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 32,
              .epochs = 10,
              .optimizer = "momentum",
              .learning_rate = 0.01,
              .momentum = 0.9});
}
