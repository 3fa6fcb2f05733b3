#include "runtime/plot/curves.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

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

// How the test ended is what a reader looks for. Of training a last batch alone
// would be a spike.
Points PointsOf(const RunCurves::Measure& measure, bool test) {
  return test ? measure.test.Points() : measure.train.Points(false);
}

const RunCurves::Measure* Find(const RunCurves& run, const std::string& name) {
  for (const RunCurves::Measure& measure : run.measures) {
    if (measure.name == name) return &measure;
  }
  return nullptr;
}

constexpr size_t kFew = 30;      // points that can each be marked
constexpr size_t kUnmarked = 6;  // runs told apart by their colours alone

// A disc, a square, a triangle.
int PointOf(size_t run) {
  return run < kUnmarked ? 7 : run == kUnmarked ? 5 : 9;
}

// A pale full line for training, with thin dashes in the full colour on it for
// test: where both are of the same data, both can still be seen. Test is marked
// where its points are few; and now and then for the last two runs, whose
// colours differ least from the others'.
std::string Style(size_t run, bool test, size_t points) {
  const int colour = static_cast<int>(run);
  const std::string lc = test ? SeriesColour(colour) : PaleColour(colour, 0.55);
  if (points == 1) {
    return absl::StrFormat("with points pt %d lc '%s'", PointOf(run), lc);
  }
  if (!test) return absl::StrFormat("with lines lc '%s' lw 2.6", lc);
  const bool few = points <= kFew;
  const size_t every = few ? 1 : 1 + points / 8;
  return absl::StrFormat("with %s lc '%s' dt (12,8) lw 1.5",
                         few || run >= kUnmarked
                             ? absl::StrFormat("linespoints pt %d ps 0.8 pi %d",
                                               PointOf(run), every)
                             : "lines",
                         lc);
}

// What the legend shows of a run: its colour, and its mark if it has one.
std::string LegendStyle(size_t run) {
  return absl::StrFormat(
      "with %s lc '%s' lw 2.6",
      run < kUnmarked ? "lines"
                      : absl::StrFormat("linespoints pt %d ps 1", PointOf(run)),
      SeriesColour(static_cast<int>(run)));
}

// A logarithmic axis "x" or "y" over `range`, whose low end is above 0. Tics
// of less than five to a decade's length stay gnuplot's choice.
std::string LogAxis(const char* axis, const Range& range) {
  const double decades = std::log10(range.high / range.low);
  const double air = decades > 0 ? std::pow(10, 0.04 * decades) : 2;
  std::string text = absl::StrCat(
      "set logscale ", axis, "\nset ", axis, "range ",
      Range{.low = range.low / air, .high = range.high * air}.Text(), "\n");
  if (decades < 0.7) return text;
  std::string tics;
  for (int p = static_cast<int>(std::floor(std::log10(range.low))) - 1;
       std::pow(10, p) <= range.high * air; ++p) {
    for (int m = 1; m <= 9; ++m) {
      const std::string value = absl::StrFormat("%g", m * std::pow(10, p));
      const bool labelled = m == 1 || (decades < 1.7 && (m == 2 || m == 5));
      absl::StrAppendFormat(&tics, "%s'%s' %s %d", tics.empty() ? "" : ",",
                            labelled ? value : "", value, labelled ? 0 : 1);
    }
  }
  absl::StrAppend(&text, "set ", axis, "tics (", tics, ")\n");
  return text;
}

// The y axis of a measure whose drawn values `range` holds.
std::string YAxis(const std::string& measure, const Range& range,
                  const CurvesOptions& options) {
  const std::string name = Readable(measure);
  std::string text = "unset logscale\nset format '%g'\nset ytics autofreq\n";
  if (IsShare(measure)) {
    const double low = options.accuracy_from, air = 0.02 * (100 - low);
    absl::StrAppend(&text, "set yrange ",
                    Range{.low = low - air, .high = 100 + air}.Text(),
                    "\nset ytics ",
                    Number(Range{.low = low, .high = 100}.TicStep(5)), "\n");
  } else if (options.log_y && IsLoss(measure) && range.low > 0 &&
             !range.empty()) {
    text += LogAxis("y", range);
  } else {
    text += "set yrange [0<*:*]\n";
  }
  absl::StrAppend(
      &text, "set ylabel ",
      GnuplotString(IsShare(measure) ? absl::StrCat(name, " (%)") : name),
      "\n");
  return text;
}

std::string XAxis(const Range& iterations, const CurvesOptions& options) {
  if (options.log_x) {
    return absl::StrCat("set xlabel 'iteration'\n", LogAxis("x", iterations));
  }
  return absl::StrCat("set xlabel 'iteration'\nset xrange ", iterations.Text(),
                      "\nset xtics ", Number(iterations.TicStep(5)), "\n");
}

// One panel: its data blocks, its axes and its lines.
std::string PanelText(absl::Span<const RunCurves> runs,
                      const std::string& measure, int panel,
                      const Range& iterations, const CurvesOptions& options) {
  const double factor = IsShare(measure) ? 100 : 1;
  std::string blocks, lines;
  Range range;
  for (const bool test : {false, true}) {
    for (size_t r = 0; r < runs.size(); ++r) {
      const RunCurves::Measure* found = Find(runs[r], measure);
      if (found == nullptr) continue;
      const Points points = PointsOf(*found, test);
      if (points.empty()) continue;
      const std::string name =
          absl::StrFormat("p%d_r%d_%s", panel, r, test ? "test" : "train");
      blocks += Block(name, points, factor);
      for (const BinnedSeries::Point& point : points) {
        // Of a loss of 0 a logarithmic axis shows nothing.
        if (!options.log_y || point.value > 0) range.Add(factor * point.value);
      }
      absl::StrAppend(&lines, lines.empty() ? " $" : ", \\\n  $", name,
                      " using 1:2 ", Style(r, test, points.size()));
      if (test && points.size() > kFew) {  // its end stands out
        absl::StrAppendFormat(&lines, ", \\\n  $%s every ::%d using 1:2 %s",
                              name, points.size() - 1, Style(r, test, 1));
      }
    }
  }
  // A panel without a number stays, so that its neighbours keep their places.
  return absl::StrCat(blocks, YAxis(measure, range, options),
                      XAxis(iterations, options), "plot",
                      lines.empty() ? " NaN" : lines, "\n");
}

// Adds what full and dashed lines are to the legend, which is filled downwards,
// in a column of its own; returns the legend's lines.
int AlignKinds(const std::vector<std::string>& kinds,
               std::vector<std::string>& names,
               std::vector<std::string>& entries) {
  const int runs = static_cast<int>(names.size());
  for (int lines = 1;; ++lines) {
    std::vector<std::string> all = names;
    all.resize(runs + (lines - runs % lines) % lines);
    all.insert(all.end(), kinds.begin(), kinds.end());
    all.resize((all.size() + lines - 1) / lines * lines);  // whole columns
    if (Canvas::LegendLines(all) > lines) continue;
    for (size_t i = runs; i < all.size(); ++i) {
      entries.push_back(absl::StrCat(
          all[i].empty() ? "with lines lc '#ffffff'"
          : all[i] == "dashed: test"
              ? "with lines lc '#444444' dt (12,8) lw 1.5"
              : "with lines lc '#bbbbbb' lw 2.6",
          " title ", GnuplotString(all[i].empty() ? " " : all[i])));
    }
    names = std::move(all);
    return lines;
  }
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
        for (const auto& [iteration, value] : PointsOf(measure, test)) {
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
  bool has[2] = {false, false};
  std::vector<std::string> names, entries;
  for (size_t r = 0; r < runs.size(); ++r) {
    for (const RunCurves::Measure& measure : runs[r].measures) {
      for (const bool test : {false, true}) {
        for (const auto& point : PointsOf(measure, test)) {
          iterations.Add(point.iteration);
          has[test] = true;
        }
      }
    }
    names.push_back(runs[r].name);
    entries.push_back(
        absl::StrCat(LegendStyle(r), " title ", GnuplotString(names.back())));
  }
  std::vector<std::string> kinds;
  if (has[0]) kinds.push_back("full: training");
  if (has[1]) kinds.push_back("dashed: test");
  const int legend_lines = AlignKinds(kinds, names, entries);
  if (iterations.empty()) iterations.Add(1);
  if (!options.log_x) iterations.Add(0);
  if (iterations.high == iterations.low) iterations.high += 1;

  const int count = static_cast<int>(measures.size());
  const int columns = count == 1 ? 1 : 2;
  const Canvas canvas({.rows = (count + columns - 1) / columns,
                       .columns = columns,
                       .panel_height = count > 2 ? 460 : 420,
                       .legend_lines = legend_lines,
                       .title = options.title,
                       .bottom = count > 2 ? 118 : 78});
  Picture picture;
  picture.script = canvas.Begin();
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&picture.script, canvas.Panel(i, Readable(measures[i])),
                    PanelText(runs, measures[i], i, iterations, options));
  }
  absl::StrAppend(&picture.script, canvas.Legend(entries), "unset multiplot\n");
  picture.csv = CsvOf(runs);
  return picture;
}

}  // namespace runtime
}  // namespace kiln
