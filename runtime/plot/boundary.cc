#include "runtime/plot/boundary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kMapHeight = 720;  // in pixels

const float* At(const Boundary& b, int ix, int iy) {
  return &b.values[(static_cast<size_t>(iy) * b.grid + ix) * b.outputs];
}

double X(const Boundary& b, int ix) {
  return b.x.low + (b.x.high - b.x.low) * ix / (b.grid - 1);
}

double Y(const Boundary& b, int iy) {
  return b.y.low + (b.y.high - b.y.low) * iy / (b.grid - 1);
}

// The class whose score is the largest, the first of equals.
int Winner(const Boundary& b, const float* scores) {
  return static_cast<int>(std::max_element(scores, scores + b.outputs) -
                          scores);
}

// How far class k is ahead of the best other one.
double Lead(const Boundary& b, const float* scores, int k) {
  double best = -std::numeric_limits<double>::infinity();
  for (int j = 0; j < b.outputs; ++j) {
    if (j != k) best = std::max(best, static_cast<double>(scores[j]));
  }
  return scores[k] - best;
}

// x, y, what the map shows, and for scores the lead of each class whose border
// is drawn: with two classes one's border is the other's too.
std::vector<double> MapRows(const Boundary& b, int leads) {
  std::vector<double> rows;
  for (int iy = 0; iy < b.grid; ++iy) {
    for (int ix = 0; ix < b.grid; ++ix) {
      const float* values = At(b, ix, iy);
      rows.insert(rows.end(), {X(b, ix), Y(b, iy)});
      rows.push_back(b.outputs == 1 ? values[0] : Winner(b, values));
      for (int k = 0; k < leads; ++k) rows.push_back(Lead(b, values, k));
    }
  }
  return rows;
}

std::string CsvOf(const Boundary& b) {
  std::string csv = "kind,x,y,label";
  for (int k = 0; k < b.outputs; ++k) absl::StrAppend(&csv, ",output", k);
  csv += "\n";
  for (int iy = 0; iy < b.grid; ++iy) {
    for (int ix = 0; ix < b.grid; ++ix) {
      const float* values = At(b, ix, iy);
      absl::StrAppend(
          &csv, "grid,", Number(X(b, ix)), ",", Number(Y(b, iy)), ",",
          b.outputs == 1 ? (values[0] > 0.5f ? 1 : 0) : Winner(b, values));
      for (int k = 0; k < b.outputs; ++k) {
        absl::StrAppend(&csv, ",", Number(values[k]));
      }
      csv += "\n";
    }
  }
  for (const Boundary::Point& point : b.points) {
    absl::StrAppend(&csv, "point,", Number(point.x), ",", Number(point.y), ",",
                    point.label, std::string(b.outputs, ','), "\n");
  }
  return csv;
}

// A class's colour, pale enough for its points to stand out.
std::string Pale(int k) { return PaleColour(k, 0.45); }

std::string RegionPalette(int classes) {
  std::string text = "set palette defined (";
  for (int k = 0; k < classes; ++k) {
    // Twice: steps, not slopes, between the classes.
    absl::StrAppendFormat(&text, "%s%g '%s', %g '%s'", k == 0 ? "" : ", ",
                          k - 0.5, Pale(k), k + 0.5, Pale(k));
  }
  absl::StrAppendFormat(&text, ")\nset cbrange [-0.5:%g]\nunset colorbox\n",
                        classes - 0.5);
  return text;
}

std::string Axes(const Boundary& b) {
  return absl::StrCat("set xlabel ", GnuplotString(b.x_label), "\nset ylabel ",
                      GnuplotString(b.y_label), "\nset xrange ", b.x.Text(),
                      "\nset yrange ", b.y.Text(),
                      "\nset border 15 lc '#444444'\nunset grid\n");
}

}  // namespace

Picture BoundaryPicture(const Boundary& b) {
  int classes = std::max(2, b.outputs);
  for (const Boundary::Point& point : b.points) {
    classes = std::max(classes, point.label + 1);
  }
  std::vector<std::string> names, entries;
  for (int k = 0; k < classes; ++k) {
    names.push_back(absl::StrCat("class ", k));
    entries.push_back(absl::StrFormat(
        "with points pt %d ps 1.6 lc '%s' title %s", k % 2 == 0 ? 7 : 9,
        SeriesColour(k), GnuplotString(names.back())));
  }
  names.push_back(b.outputs == 1 ? "probability 0.5" : "border of a class");
  entries.push_back(absl::StrFormat("with lines lc '#000000' lw 1.6 title %s",
                                    GnuplotString(names.back())));

  // Equal scales, unless one side would become a strip.
  const double ratio = (b.y.high - b.y.low) / (b.x.high - b.x.low);
  const int width = static_cast<int>(
      ratio > 0.75 && ratio < 2.5 ? kMapHeight / ratio : kMapHeight / 0.75);
  const int left = (kPictureWidth - width) / 2;
  const Canvas canvas({.panel_height = kMapHeight + 16 + 78,
                       .legend_lines = Canvas::LegendLines(names),
                       .title = b.title,
                       .left = left,
                       .right = kPictureWidth - left - width,
                       .top = 16});
  const int leads = b.outputs == 1 ? 0 : b.outputs == 2 ? 1 : b.outputs;
  Picture picture;
  std::string& script = picture.script;
  script = absl::StrCat(canvas.Begin(),
                        DataBlock("map", MapRows(b, leads), 3 + leads, b.grid));
  for (int k = 0; k < classes; ++k) {
    std::vector<double> points;
    for (const Boundary::Point& point : b.points) {
      if (point.label == k) points.insert(points.end(), {point.x, point.y});
    }
    script += DataBlock(absl::StrCat("class", k), points, 2);
  }
  // The lines are computed as contours of a surface that is not drawn.
  absl::StrAppend(&script, Axes(b),
                  "set contour base\nunset surface\n"
                  "set cntrparam levels discrete ",
                  b.outputs == 1 ? "0.5" : "0", "\n");
  const int lines = std::max(1, leads);
  for (int k = 0; k < lines; ++k) {
    absl::StrAppendFormat(&script,
                          "set table $line%d\nsplot $map using 1:2:%d\n"
                          "unset table\n",
                          k, b.outputs == 1 ? 3 : 4 + k);
  }
  absl::StrAppend(&script, "unset contour\nset surface\n", canvas.Panel(0, ""));
  if (b.outputs == 1) {
    absl::StrAppend(
        &script, "set palette defined (0 '", Pale(0), "', 0.5 '#ffffff', 1 '",
        Pale(1),
        "')\n"
        "set cbrange [0:1]\nset cblabel 'probability of class 1'\n");
  } else {
    script += RegionPalette(classes);
  }
  script += "plot $map using 1:2:3 with image";
  for (int k = 0; k < lines; ++k) {
    absl::StrAppendFormat(
        &script, ", \\\n  $line%d using 1:2 with lines lc '#000000' lw 1.6", k);
  }
  const double size = b.points.size() <= 16 ? 2.6 : 1.4;
  for (int k = 0; k < classes; ++k) {
    const int filled = k % 2 == 0 ? 7 : 9;
    absl::StrAppendFormat(
        &script,
        ", \\\n  $class%d using 1:2 with points pt %d ps %g lc '#ffffff'"
        ", \\\n  $class%d using 1:2 with points pt %d ps %g lc '%s'",
        k, filled, size + 0.5, k, filled, size, SeriesColour(k));
  }
  absl::StrAppend(&script, "\n", canvas.Legend(entries), "unset multiplot\n");
  picture.csv = CsvOf(b);
  return picture;
}

}  // namespace runtime
}  // namespace kiln
