#include "runtime/plot/curves.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

BinnedSeries::BinnedSeries() { bins_.reserve(kPoints + 1); }

void BinnedSeries::Add(double iteration, double value) {
  if (!std::isfinite(value)) return;
  any_ = true;
  last_iteration_ = iteration;
  last_value_ = value;
  if (bins_.empty() || bins_.back().count == width_) {
    if (static_cast<int>(bins_.size()) == kPoints) {
      for (int i = 0; i < kPoints / 2; ++i) {
        const Bin &a = bins_[2 * i], &b = bins_[2 * i + 1];
        bins_[i] = {.iterations = a.iterations + b.iterations,
                    .values = a.values + b.values,
                    .count = a.count + b.count};
      }
      bins_.resize(kPoints / 2);
      width_ *= 2;
    }
    bins_.push_back({});
  }
  Bin& bin = bins_.back();
  bin.iterations += iteration;
  bin.values += value;
  ++bin.count;
}

std::vector<BinnedSeries::Point> BinnedSeries::Points() const {
  std::vector<Point> points;
  for (const Bin& bin : bins_) {
    const auto count = static_cast<double>(bin.count);
    points.push_back({bin.iterations / count, bin.values / count});
  }
  // How it ended is what a reader looks for: not a mean.
  if (any_ && width_ > 1) points.push_back({last_iteration_, last_value_});
  return points;
}

RunCurves RunCurves::Of(const Manifest& manifest) {
  RunCurves run;
  run.name = manifest.model;
  run.measures.resize(1 + manifest.metrics.size());
  run.measures[0].name = "loss";
  for (size_t i = 0; i < manifest.metrics.size(); ++i) {
    run.measures[1 + i].name = manifest.metrics[i];
  }
  return run;
}

void RunCurves::Step(const TrainingStep& step) {
  const auto iteration = static_cast<double>(step.step);
  measures[0].train.Add(iteration, step.batch->MeanLoss());
  for (size_t i = 1; i < measures.size(); ++i) {
    measures[i].train.Add(iteration,
                          step.batch->MeanMetric(static_cast<int>(i - 1)));
  }
}

void RunCurves::Epoch(const TrainingEpoch& epoch) {
  if (epoch.test == nullptr) return;
  const auto iteration = static_cast<double>(epoch.step);
  measures[0].test.Add(iteration, epoch.test->MeanLoss());
  for (size_t i = 1; i < measures.size(); ++i) {
    measures[i].test.Add(iteration,
                         epoch.test->MeanMetric(static_cast<int>(i - 1)));
  }
}

namespace {

bool IsShare(const std::string& measure) {
  return measure.find("accuracy") != std::string::npos;
}

bool IsLoss(const std::string& measure) {
  return measure.find("loss") != std::string::npos ||
         measure.find("entropy") != std::string::npos;
}

using Points = std::vector<BinnedSeries::Point>;

std::string Block(const std::string& name, const Points& points,
                  double factor) {
  std::vector<double> values;
  for (const auto& [iteration, value] : points) {
    values.push_back(iteration);
    values.push_back(factor * value);
  }
  return DataBlock(name, values, 2);
}

const RunCurves::Measure* Find(const RunCurves& run, const std::string& name) {
  for (const RunCurves::Measure& measure : run.measures) {
    if (measure.name == name) return &measure;
  }
  return nullptr;
}

// Full lines for training, dashes for test, its points marked where they are
// few.
std::string Style(size_t run, bool test, size_t points) {
  const char* const colour = SeriesColour(static_cast<int>(run));
  if (points == 1) return absl::StrFormat("with points pt 7 lc '%s'", colour);
  return absl::StrFormat(
      "with %s lc '%s' dt %s lw %s",
      test && points <= 30 ? "linespoints pt 7 ps 0.8" : "lines", colour,
      test ? "(5,4)" : "1", test ? "1.8" : "1.4");
}

// One panel: its data blocks, its axes and its lines.
std::string PanelText(absl::Span<const RunCurves> runs,
                      const std::string& measure, int panel,
                      const Range& iterations, const CurvesOptions& options) {
  const double factor = IsShare(measure) ? 100 : 1;
  std::string blocks, lines;
  for (size_t r = 0; r < runs.size(); ++r) {
    const RunCurves::Measure* found = Find(runs[r], measure);
    if (found == nullptr) continue;
    for (const bool test : {false, true}) {
      const Points points = test ? found->test.Points() : found->train.Points();
      if (points.empty()) continue;
      const std::string name =
          absl::StrFormat("p%d_r%d_%s", panel, r, test ? "test" : "train");
      blocks += Block(name, points, factor);
      absl::StrAppend(&lines, lines.empty() ? " $" : ", \\\n  $", name,
                      " using 1:2 ", Style(r, test, points.size()));
    }
  }
  std::string text = blocks;
  const bool log_y = options.log_y && IsLoss(measure);
  absl::StrAppend(
      &text, log_y ? "set logscale y\n" : "unset logscale\n",
      log_y ? "set format y '%g'\n" : "set format y '%h'\n",
      "set xlabel 'iteration'\n", "set ylabel ",
      Quoted(IsShare(measure) ? absl::StrCat(measure, " (%)") : measure), "\n");
  absl::StrAppend(&text, "set xrange ", iterations.Text(), "\nset xtics ",
                  Number(iterations.TicStep(5)), "\nset yrange ",
                  IsShare(measure) ? "[-2:102]"
                  : log_y          ? "[*:*]"
                                   : "[0<*:*]",
                  "\n");
  // A panel without a number stays, so that its neighbours keep their places.
  absl::StrAppend(&text, "plot", lines.empty() ? " NaN" : lines, "\n");
  return text;
}

std::vector<std::string> MeasuresOf(absl::Span<const RunCurves> runs) {
  std::vector<std::string> names;
  for (const RunCurves& run : runs) {
    for (const RunCurves::Measure& measure : run.measures) {
      if (std::find(names.begin(), names.end(), measure.name) == names.end()) {
        names.push_back(measure.name);
      }
    }
  }
  return names;
}

std::string CsvOf(absl::Span<const RunCurves> runs) {
  std::string csv = "run,part,measure,iteration,value\n";
  for (const RunCurves& run : runs) {
    for (const RunCurves::Measure& measure : run.measures) {
      for (const bool test : {false, true}) {
        for (const auto& [iteration, value] :
             test ? measure.test.Points() : measure.train.Points()) {
          absl::StrAppend(&csv, CsvField(run.name), ",",
                          test ? "test" : "train", ",", CsvField(measure.name),
                          ",", Number(iteration), ",", Number(value), "\n");
        }
      }
    }
  }
  return csv;
}

}  // namespace

Picture CurvesPicture(absl::Span<const RunCurves> runs,
                      const CurvesOptions& options) {
  const std::vector<std::string> measures = MeasuresOf(runs);
  Range iterations;
  std::vector<std::string> names, entries;
  for (size_t r = 0; r < runs.size(); ++r) {
    bool has[2] = {false, false};
    for (const RunCurves::Measure& measure : runs[r].measures) {
      for (const bool test : {false, true}) {
        for (const auto& point :
             test ? measure.test.Points() : measure.train.Points()) {
          iterations.Add(point.iteration);
          has[test] = true;
        }
      }
    }
    for (const bool test : {false, true}) {
      if (!has[test]) continue;
      names.push_back(
          absl::StrCat(runs[r].name, test ? ", test" : ", training"));
      entries.push_back(absl::StrCat(Style(r, test, BinnedSeries::kPoints),
                                     " title ", Quoted(names.back())));
    }
  }
  if (iterations.empty()) iterations.Add(0);
  iterations.Add(0);
  if (iterations.high == iterations.low) iterations.high += 1;

  const int count = static_cast<int>(measures.size());
  const int columns = count == 1 ? 1 : 2;
  // The legend is filled downwards: a run's training stands above its test.
  int legend_lines = Canvas::LegendLines(names);
  if (names.size() > runs.size()) legend_lines += legend_lines % 2;
  const Canvas canvas({.rows = (count + columns - 1) / columns,
                       .columns = columns,
                       .panel_height = count > 2 ? 445 : 420,
                       .legend_lines = legend_lines,
                       .title = options.title,
                       .bottom = count > 2 ? 103 : 78});
  Picture picture;
  picture.script = canvas.Begin();
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&picture.script, canvas.Panel(i, measures[i]),
                    PanelText(runs, measures[i], i, iterations, options));
  }
  absl::StrAppend(&picture.script, canvas.Legend(entries), "unset multiplot\n");
  picture.csv = CsvOf(runs);
  return picture;
}

}  // namespace runtime
}  // namespace kiln
