// A worked example, small enough to follow on paper: 4 -> 2 -> 1 logistic
// units, each hidden one on a half of the input, with given weights
// w = (0.75, -0.63, 0.24, -1.7, 0.8, -0.2). `logistic_421 explain` prints every
// value and every derivative for the sample x = (0.9, -1.1, -0.3, 0.8),
// y = 0.5.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  // Stored in tenths, so that x is what it is on paper.
  const InputFormat tenths = {.scale = 0.1};
  const Value x12 = m.Input("x12", {2}, tenths);
  const Value x34 = m.Input("x34", {2}, tenths);
  const Value y = m.Target("y", {1});

  auto weights = [](const std::vector<double>& values) {
    return DenseOptions{
        .out = 1, .bias = false, .weight_init = Initializer::Values(values)};
  };
  // A logistic unit, called h1, h2, ...
  auto unit = [&](const std::string& name, Value z) {
    return m.Pointwise(name, {z}, Sigmoid(Arg(0)), {Arg(1) * (1 - Arg(1))});
  };
  const Value h1 = unit("h", m.Dense("left", x12, weights({.75, -.63})));
  const Value h2 = unit("h", m.Dense("right", x34, weights({.24, -1.7})));
  const Value z = m.Pointwise(
      "z",
      {m.Dense("out1", h1, weights({.8})), m.Dense("out2", h2, weights({-.2}))},
      Arg(0) + Arg(1));
  const Value prediction = unit("prediction", z);
  m.Output("prediction", prediction);
  m.Loss(m.L2(prediction, y));
  m.Defaults({.data = "hand_421",
              .batch = 1,
              .epochs = 100,
              .optimizer = "sgd",
              .learning_rate = 1,
              .momentum = 0});
}
