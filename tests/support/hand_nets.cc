#include "tests/support/hand_nets.h"

namespace kiln {

absl::StatusOr<Model> BooleanNet() {
  ModelBuilder m;
  const Value x = m.Input("x", {2}), y = m.Target("y", {1});
  const Value hidden = m.Relu(m.Dense("fc1", x, {.out = 2, .bias = false}));
  const Value out = m.Dense("fc2", hidden, {.out = 1, .bias = false});
  m.Output("out", out);
  m.Loss(m.L2(out, y));
  return m.Build();
}

GraphValues BooleanRows(std::vector<double> w1, std::vector<double> w2) {
  return {.batch = 4,
          .tensors = {{"x", {0, 0, 0, 1, 1, 0, 1, 1}},
                      {"y", {0, 0, 0, 0}},
                      {"fc1.weight", std::move(w1)},
                      {"fc2.weight", std::move(w2)}}};
}

absl::StatusOr<Model> LogisticNet() {
  ModelBuilder m;
  const Value x12 = m.Input("x12", {2}), x34 = m.Input("x34", {2}),
              y = m.Target("target", {1});
  const Value h1 = m.Sigmoid(m.Dense("left", x12, {.out = 1, .bias = false}));
  const Value h2 = m.Sigmoid(m.Dense("right", x34, {.out = 1, .bias = false}));
  const Value sum =
      m.Pointwise("add",
                  {m.Dense("out1", h1, {.out = 1, .bias = false}),
                   m.Dense("out2", h2, {.out = 1, .bias = false})},
                  Arg(0) + Arg(1));
  const Value prediction = m.Sigmoid(sum);
  m.Output("h1", h1);
  m.Output("h2", h2);
  m.Output("y", prediction);
  m.Loss(m.L2(prediction, y));
  return m.Build();
}

GraphValues LogisticNetValues() {
  return {.batch = 1,
          .tensors = {{"x12", {.9, -1.1}},
                      {"x34", {-.3, .8}},
                      {"target", {.5}},
                      {"left.weight", {.75, -.63}},
                      {"right.weight", {.24, -1.7}},
                      {"out1.weight", {.8}},
                      {"out2.weight", {-.2}}}};
}

absl::StatusOr<Model> TwoRelus() {
  ModelBuilder m;
  const Value x = m.Input("x", {1}), y = m.Target("y", {1});
  const Value h = m.Relu(m.Dense("fc1", x, {.out = 1}));
  const Value out = m.Relu(m.Dense("fc2", h, {.out = 1}));
  m.Output("h", h);
  m.Output("out", out);
  m.Loss(m.L2(out, y));
  return m.Build();
}

GraphValues TwoRelusValues() {
  return {.batch = 6,
          .tensors = {{"x", {1, 3, 4, 5, 7, 8}},
                      {"y", {0, 0, 0, 0, 0, 0}},
                      {"fc1.weight", {1}},
                      {"fc1.bias", {-1}},
                      {"fc2.weight", {-1}},
                      {"fc2.bias", {5}}}};
}

}  // namespace kiln
