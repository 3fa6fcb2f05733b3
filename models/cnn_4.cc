// The fourth of five classifiers of growing depth: four convolutions.
#include "dsl/model.h"

using namespace kiln;

// He et al.'s initialisation: with the default one the signal fades from
// convolution to convolution, and some seeds do not start to learn.
static Conv2dOptions Filters(int64_t count, int64_t kernel) {
  return {.out_channels = count,
          .kernel = kernel,
          .weight_init = Initializer::KaimingUniform()};
}

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 28, 28},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Relu(m.Conv2d("conv1", x, Filters(16, 3)));
  x = m.Relu(m.Conv2d("conv2", x, Filters(8, 3)));
  x = m.Relu(m.Conv2d("conv3", x, Filters(16, 5)));
  x = m.MaxPool(x);
  x = m.MaxPool(m.Relu(m.Conv2d("conv4", x, Filters(16, 5))));
  x = m.Dense("fc1", m.Flatten(x), {.out = 10});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 64,
              .epochs = 3,
              .learning_rate = 0.05,
              .momentum = 0.9,
              .clip_norm = 1});
}
