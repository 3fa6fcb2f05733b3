// Wide values before a narrow end: much that the backward pass can compute
// again instead of keeping it. Dropout must then draw the same numbers.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 10, 10},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  const Value label = m.Labels("label", 3);
  x = m.Tanh(m.Conv2d("conv1", x, {.out_channels = 4, .kernel = 3}));
  x = m.Dropout(x, 0.25);
  x = m.MaxPool(m.Relu(m.Conv2d("conv2", x, {.out_channels = 3, .kernel = 3})));
  x = m.Silu(m.Dense("fc1", m.Flatten(x), {.out = 8}));
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 16, .optimizer = "momentum", .learning_rate = 0.05});
}
