// The fourth of five classifiers of growing depth: four convolutions.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 28, 28},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 16, .kernel = 3}));
  x = m.Relu(m.Conv2d("conv2", x, {.out_channels = 8, .kernel = 3}));
  x = m.Relu(m.Conv2d("conv3", x, {.out_channels = 16, .kernel = 5}));
  x = m.MaxPool(x);
  x = m.MaxPool(
      m.Relu(m.Conv2d("conv4", x, {.out_channels = 16, .kernel = 5})));
  x = m.Dense("fc1", m.Flatten(x), {.out = 10});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults(
      {.batch = 64, .epochs = 5, .learning_rate = 0.05, .momentum = 0.9});
}
