// One neuron over its weight and its bias.

#ifndef KILN_RUNTIME_PLOT_SURFACE_H_
#define KILN_RUNTIME_PLOT_SURFACE_H_

#include <string>
#include <vector>

#include "runtime/plot/picture.h"

namespace kiln {
inline namespace runtime {

struct Surface {
  std::string title;
  Range weight, bias;
  int grid = 0;  // points a side, at least 2

  struct Layer {
    std::string name;            // "loss"
    Range z;                     // empty: as its values say
    std::vector<double> values;  // [ib * grid + iw]
  };
  std::vector<Layer> layers;
};

// A 3-D panel a layer, two abreast, over the same weights and biases; and one
// with the cut through all of them at the grid's middle bias.
Picture SurfacePicture(const Surface& surface);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_SURFACE_H_
