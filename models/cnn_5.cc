// The deepest of five classifiers of growing depth: five convolutions.
#include "dsl/model.h"
#include "models/digit_classifier.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 28, 28},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Conv2d("conv1", x, Filters(8, 3)));
  x = m.Relu(m.Conv2d("conv2", x, Filters(16, 3)));
  x = m.Relu(m.Conv2d("conv3", x, Filters(8, 3)));
  x = m.Relu(m.Conv2d("conv4", x, Filters(16, 3)));
  x = m.MaxPool(x);
  x = m.MaxPool(m.Relu(m.Conv2d("conv5", x, Filters(16, 3))));
  x = m.Dense("fc1", m.Flatten(x), {.out = 10});
  TrainAsClassifier(m, x, label);
}
