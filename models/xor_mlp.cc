// The smallest network that learns XOR: 2 -> hidden -> 1. Option activation is
// the hidden layer's (tanh), loss is ce (binary cross-entropy) or l2.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {2});
  Value target = m.Target("y", {1});
  // Wide enough, and a little above 0, that four ReLUs are seldom dead from the
  // start.
  x = m.Dense("fc1", x,
              {.out = m.IntOption("hidden", 4),
               .weight_init = Initializer::Uniform(-1.5, 1.5),
               .bias_init = Initializer::Constant(0.1)});
  x = m.Activate(m.Option("activation", "tanh", {"tanh", "sigmoid", "relu"}),
                 x);
  x = m.Dense("fc2", x, {.out = 1});
  Value probability = m.Sigmoid(x);
  m.Output("probability", probability);
  if (m.Option("loss", "ce", {"ce", "l2"}) == "ce") {
    m.Loss(m.SigmoidCrossEntropy(x, target));
  } else {
    m.Loss(m.L2(probability, target));
  }
  // A logit above 0 is a probability above 1/2.
  m.Metric("accuracy", m.BinaryAccuracy(x, target, /*threshold=*/0));
  m.Defaults({.data = "xor",
              .batch = 4,
              .epochs = 2000,
              .learning_rate = 0.1,
              .momentum = 0.9});
}
