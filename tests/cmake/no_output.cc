// A model that gives nothing: its generator must say so, not Halide.
#include "dsl/model.h"

KILN_MODEL(m) {
  const kiln::Value x = m.Input("x", {4}), y = m.Target("y", {2});
  m.Loss(m.L2(m.Dense("fc", x, {.out = 2}), y));
}
