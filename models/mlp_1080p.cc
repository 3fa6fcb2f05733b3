// A multilayer perceptron on a full-HD colour picture, to be counted and not to
// be trained: 1,592,527,626 parameters.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {3, 1080, 1920},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Dense("fc1", m.Flatten(x), {.out = 256}));
  x = m.Dense("fc2", x, {.out = 10});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
}
