// Curves of training: loss and metrics against iterations.

#ifndef KILN_RUNTIME_PLOT_CURVES_H_
#define KILN_RUNTIME_PLOT_CURVES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/manifest.h"
#include "runtime/plot/picture.h"
#include "runtime/trainer.h"

namespace kiln {
inline namespace runtime {

// A series of any length in at most kPoints points: the means of as many
// consecutive values each, a power of two that grows with the series. NaN and
// infinities count as no value. Adding makes no heap call.
class BinnedSeries {
 public:
  static constexpr int kPoints = 128;

  BinnedSeries();
  void Add(double iteration, double value);

  struct Point {
    double iteration = 0;  // the mean of those of its values
    double value = 0;
  };
  // The means. In the end the last value as it is, where the means are of
  // several: how a measure ended. Of a noisy measure that would be a spike, and
  // so would a mean of few: without `exact_end` both are left out.
  std::vector<Point> Points(bool exact_end = true) const;

 private:
  struct Bin {
    double iterations = 0, values = 0;
    int64_t count = 0;
  };
  std::vector<Bin> bins_;  // complete ones, and at the end one in the making
  int64_t width_ = 1;      // values a bin
  double last_iteration_ = 0, last_value_ = 0;
  bool any_ = false;
};

// What one training run measured.
struct RunCurves {
  struct Measure {
    std::string name;  // "loss", or a metric's
    BinnedSeries train, test;
  };

  std::string name;
  std::vector<Measure> measures;

  // Of a run of this model, yet to come: REQUIRES nothing but to be told.
  static RunCurves Of(const Manifest& manifest);
  void Step(const TrainingStep& step);
  void Epoch(const TrainingEpoch& epoch);
};

// Reads what `train --log` wrote. Errors name the file and the line.
absl::StatusOr<RunCurves> ReadRunCurves(const std::string& path,
                                        const std::string& name);

struct CurvesOptions {
  std::string title;
  bool log_y = false;        // the panels of losses have a logarithmic axis
  bool log_x = false;        // the iterations have one
  double accuracy_from = 0;  // the low end of shares' axes, in per cent
};

// A panel for each measure of the runs, in the order of their first appearance,
// two abreast; all runs over one another in the same ranges, training as pale
// full lines and test as dashed ones on top. A measure with "accuracy" in its
// name is a share, drawn up to 100 %. REQUIRES: 1 to kSeriesColours runs.
Picture CurvesPicture(absl::Span<const RunCurves> runs,
                      const CurvesOptions& options);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_CURVES_H_
