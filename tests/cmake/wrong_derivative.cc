// A model whose declared derivative is wrong: its generator must say where.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {9});
  const Value label = m.Labels("label", 3);
  x = m.Dense("fc1", x, {.out = 3});
  x = m.Pointwise("square", {x}, Arg(0) * Arg(0), {4 * Arg(0)});
  m.Output("y", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
}
