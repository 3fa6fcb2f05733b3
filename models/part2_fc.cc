// A deep, narrow classifier of points in the plane: 2-8-16-32-16-8-2, ReLU
// between.
#include <string>

#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {2});
  Value label = m.Labels("label", 2);
  int layer = 0;
  for (int64_t width : {8, 16, 32, 16, 8}) {
    const std::string name = "fc" + std::to_string(++layer);
    x = m.Relu(m.Dense(name, x, {.out = width}));
  }
  x = m.Dense("fc6", x, {.out = 2});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  // Without the limit one steep step kills the narrow layers' ReLUs: of 80 runs
  // 18 then stayed at 50 %, with it none did.
  m.Defaults({.data = "plane",
              .batch = 16,
              .epochs = 100,
              .learning_rate = 0.1,
              .momentum = 0.9,
              .clip_norm = 1});
}
