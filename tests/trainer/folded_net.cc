// A net of which inference folds everything that can be folded, for
// folded_net_test.
#include <memory>

#include "dsl/model.h"
#include "dsl/ops/channel_affine.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {1, 6, 6},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  Value label = m.Labels("label", 3);
  const Initializer around_one = Initializer::Uniform(0.5, 1.5);
  x = m.Conv2d("conv1", x, {.out_channels = 4, .kernel = 3});
  x = m.Apply("bn", std::make_shared<ChannelAffineOp>(),
              {x, m.Parameter("bn1.scale", {{4}, around_one}),
               m.Parameter("bn1.shift", {{4}, around_one})});
  x = m.Flatten(m.Relu(x));
  // Large enough for its weight to pass through the workspace.
  x = m.Dense("fc1", x, {.out = 96});
  x = m.Identity(m.Dense("fc2", x, {.out = 72, .bias = false}));
  x = m.Dense("fc3", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
}
