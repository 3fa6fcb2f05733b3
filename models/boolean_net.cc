// 2 -> 2 -> 1 without biases: ReLU, linear output, squared error. With the
// weights [[-1, 1], [1, -1]] and [1, 1] it computes exclusive or, with
// [[1, 0], [-1, 1]] and [1, 1] it computes or.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {2});
  Value target = m.Target("y", {1});
  x = m.Relu(m.Dense("fc1", x, {.out = 2, .bias = false}));
  x = m.Dense("fc2", x, {.out = 1, .bias = false});
  m.Output("out", x);
  m.Loss(m.L2(x, target));
  m.Metric("accuracy", m.BinaryAccuracy(x, target, /*threshold=*/0.5));
  m.Defaults({.data = "xor",
              .batch = 4,
              .epochs = 1000,
              .learning_rate = 0.05,
              .momentum = 0.9});
}
