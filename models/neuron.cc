// One neuron, activation(weight x + bias): small enough to draw its loss and
// gradient over every weight and bias. Options: the activation, and the loss,
// l2 or ce (binary cross-entropy, for a sigmoid).
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {1});
  Value target = m.Target("y", {1});
  Value logit = m.Dense("fc1", x, {.out = 1});
  Value out = m.Activate(m.Option("activation", "sigmoid"), logit);
  m.Output("out", out);
  if (m.Option("loss", "l2", {"l2", "ce"}) == "l2") {
    m.Loss("l2", m.L2(out, target));
  } else {
    m.Loss("cross_entropy", m.SigmoidCrossEntropy(logit, target));
  }
  m.Defaults(
      {.data = "regression", .batch = 1, .epochs = 1, .optimizer = "sgd"});
}
