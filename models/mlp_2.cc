// The second of five classifiers of growing depth: two dense layers before the
// last, the second without bias and linear.
#include "dsl/model.h"
#include "models/digit_classifier.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x =
      m.Input("image", {784}, {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Dense("fc1", x, {.out = 32}));
  x = m.Dense("fc2", x, {.out = 64, .bias = false});
  x = m.Dense("fc3", x, {.out = 10});
  TrainAsClassifier(m, x, label);
}
