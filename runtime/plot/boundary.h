// What a model with two inputs says over the plane, and the data's points.

#ifndef KILN_RUNTIME_PLOT_BOUNDARY_H_
#define KILN_RUNTIME_PLOT_BOUNDARY_H_

#include <string>
#include <vector>

#include "runtime/plot/picture.h"

namespace kiln {
inline namespace runtime {

struct Boundary {
  std::string title;
  std::string x_label, y_label;
  Range x, y;

  // values[(iy * grid + ix) * outputs + k]: output k at x.low + ix / (grid - 1)
  // of x's length, likewise y. One output is a probability of class 1; several
  // are scores, of which the largest wins.
  int grid = 0;
  int outputs = 1;
  std::vector<float> values;

  struct Point {
    double x = 0, y = 0;
    int label = 0;
  };
  std::vector<Point> points;
};

// A probability is a map from 0 to 1 with the line of 0.5, scores are regions
// of one colour a class with the lines where two tie. REQUIRES: grid >= 2, at
// most kSeriesColours classes.
Picture BoundaryPicture(const Boundary& boundary);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_BOUNDARY_H_
