// Softmax regression on 28x28 digits: one dense layer.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 28, 28},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Dense("fc", m.Flatten(x), {.out = 10});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 16, .optimizer = "sgd", .learning_rate = 0.05});
}
