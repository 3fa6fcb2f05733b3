// A curve through noisy points: 1 -> 20 -> 1. Option activation is the hidden
// layer's: with identity it is a straight line, with relu it has corners, with
// sigmoid it is smooth.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {1});
  Value target = m.Target("y", {1});
  x = m.Dense("fc1", x, {.out = 20});
  x = m.Activate(
      m.Option("activation", "sigmoid", {"identity", "relu", "sigmoid"}), x);
  x = m.Dense("fc2", x, {.out = 1});
  m.Output("y_hat", x);
  m.Loss(m.L2(x, target));
  m.Defaults({.data = "regression",
              .batch = 10,
              .epochs = 500,
              .optimizer = "adam",
              .learning_rate = 0.02});
}
