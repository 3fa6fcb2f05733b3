#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("x", {10});
  Value label = m.Labels("label", 3);
  x = m.Dropout(m.RRelu(m.Dense("fc1", x, {.out = 40})), 0.5);
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Defaults({.batch = 8, .optimizer = "sgd"});
}
