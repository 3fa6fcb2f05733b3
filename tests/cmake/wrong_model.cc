// A model that cannot be: its generator must say so, with this file's line.
#include "dsl/model.h"

KILN_MODEL(m) {
  kiln::Value x = m.Input("image", {1, 3, 3});
  x = m.Conv2d("conv1", x, {.out_channels = 1, .kernel = 5});
  m.Output("y", x);
}
