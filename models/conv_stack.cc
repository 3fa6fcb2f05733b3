// Ten convolutions of 64 4x4 filters on a colour picture, to be counted:
// 3,136 + 9 x 65,600 = 593,536 parameters, whatever the picture's size.
#include <string>

#include "dsl/model.h"

using namespace kiln;

KILN_MODEL(m) {
  Value x = m.Input("image", {3, 64, 64},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  for (int layer = 1; layer <= 10; ++layer) {
    x = m.Relu(m.Conv2d("conv" + std::to_string(layer), x,
                        {.out_channels = 64, .kernel = 4}));
  }
  m.Output("features", x);
  const Value target = m.Target("target", m.TypeOf(x).shape);
  m.Loss(m.L2(x, target));
}
