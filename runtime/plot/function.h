// Functions of one variable, over the points that they were learned from.

#ifndef KILN_RUNTIME_PLOT_FUNCTION_H_
#define KILN_RUNTIME_PLOT_FUNCTION_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/plot/picture.h"

namespace kiln {
inline namespace runtime {

struct FunctionPlot {
  std::string title, x_label, y_label;

  using Points = std::vector<std::pair<double, double>>;
  struct Curve {
    std::string name;
    Points points;
  };
  std::vector<Curve> curves;
  Points data;  // may be empty
};

// REQUIRES: at most kSeriesColours curves.
Picture FunctionPicture(const FunctionPlot& plot);

// The curves of a CSV file that FunctionPicture's numbers were written to.
absl::StatusOr<std::vector<FunctionPlot::Curve>> ReadFunctionCurves(
    const std::string& path);

// A panel a function, with its derivative, all in the same ranges.
struct DerivativePanel {
  std::string name;
  FunctionPlot::Points value, derivative;
};
Picture DerivativesPicture(absl::Span<const DerivativePanel> panels,
                           const std::string& title);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_FUNCTION_H_
