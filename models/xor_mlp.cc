// The smallest network that learns XOR: 2 -> 4 -> 1. XOR_ACTIVATION is the
// hidden activation: Tanh, Sigmoid or Relu.
#include "dsl/model.h"

#ifndef XOR_ACTIVATION
#define XOR_ACTIVATION Tanh
#endif

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {2});
  Value target = m.Target("y", {1});
  x = m.XOR_ACTIVATION(m.Dense("fc1", x, {.out = 4}));
  x = m.Dense("fc2", x, {.out = 1});
  m.Output("probability", m.Sigmoid(x));
  m.Loss(m.SigmoidCrossEntropy(x, target));
  m.Metric("accuracy",
           m.BinaryAccuracy(
               x, target,
               /*threshold=*/0));  // a logit above 0 is a probability above 1/2
  m.Defaults({.data = "xor",
              .batch = 4,
              .epochs = 2000,
              .learning_rate = 0.1,
              .momentum = 0.9});
}
