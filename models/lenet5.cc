// LeNet-5 (LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to
// document recognition", 1998) with average pooling and every feature map
// connected, as it is taught today: 61,706 parameters.
#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  // The variance 1 / fan_in keeps tanh units out of saturation.
  const Initializer lecun = Initializer::LeCunUniform(),
                    zero = Initializer::Constant(0);
  Value x = m.Input("image", {1, 28, 28},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 10);
  x = m.Pad(x, 2);
  x = m.Conv2d("conv1", x,
               {.out_channels = 6,
                .kernel = 5,
                .weight_init = lecun,
                .bias_init = zero});
  x = m.AvgPool(m.Tanh(x));
  x = m.Conv2d("conv2", x,
               {.out_channels = 16,
                .kernel = 5,
                .weight_init = lecun,
                .bias_init = zero});
  x = m.AvgPool(m.Tanh(x));
  x = m.Flatten(x);
  x = m.Tanh(
      m.Dense("fc1", x, {.out = 120, .weight_init = lecun, .bias_init = zero}));
  x = m.Tanh(
      m.Dense("fc2", x, {.out = 84, .weight_init = lecun, .bias_init = zero}));
  x = m.Dense("fc3", x, {.out = 10, .weight_init = lecun, .bias_init = zero});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
  m.Defaults({.batch = 64,
              .epochs = 2,
              .optimizer = "momentum",
              .learning_rate = 0.05,
              .momentum = 0.9});
}
