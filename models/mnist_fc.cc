// 784 - 128 - 10: the smallest network that reads digits well.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x =
      m.Input("image", {784}, {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Dense("fc1", x, {.out = 128}));
  x = m.Dense("fc2", x, {.out = 10});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 8, .epochs = 2, .learning_rate = 0.01, .momentum = 0.9});
}
