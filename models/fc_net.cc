// 16 -> 16 -> 1 on 64 random images of 4x4 pixels with random labels: how fast
// can it learn them by heart? Options: the hidden activation, and the loss, l2
// or ce (binary cross-entropy), of a sigmoid output.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  const Initializer weight = Initializer::TruncatedNormal(0, 0.1);
  const Initializer bias = Initializer::Constant(0.1);
  Value x = m.Input("image", {16});
  Value target = m.Target("y", {1});
  x = m.Dense("fc1", x, {.out = 16, .weight_init = weight, .bias_init = bias});
  x = m.Activate(m.Option("activation", "sigmoid", {"sigmoid", "relu"}), x);
  x = m.Dense("fc2", x, {.out = 1, .weight_init = weight, .bias_init = bias});
  Value probability = m.Sigmoid(x);
  m.Output("probability", probability);
  if (m.Option("loss", "l2", {"l2", "ce"}) == "l2") {
    m.Loss(m.L2(probability, target));
  } else {
    m.Loss(m.SigmoidCrossEntropy(x, target));
  }
  // A logit above 0 is a probability above 1/2.
  m.Metric("accuracy", m.BinaryAccuracy(x, target, /*threshold=*/0));
  m.Defaults({.data = "random4x4",
              .batch = 64,
              .epochs = 10000,
              .optimizer = "sgd",
              .learning_rate = 0.1,
              .stop_at_accuracy = 1});
}
