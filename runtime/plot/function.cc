#include "runtime/plot/function.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr char kCsvHeader[] = "kind,name,x,y";

std::string Block(const std::string& name, const FunctionPlot::Points& points) {
  std::vector<double> values;
  for (const auto& [x, y] : points) values.insert(values.end(), {x, y});
  return DataBlock(name, values, 2);
}

void AppendCsv(const char* kind, const std::string& name,
               const FunctionPlot::Points& points, std::string& csv) {
  for (const auto& [x, y] : points) {
    absl::StrAppend(&csv, kind, ",", CsvField(name), ",", Number(x), ",",
                    Number(y), "\n");
  }
}

}  // namespace

Picture FunctionPicture(const FunctionPlot& plot) {
  Range x, y;
  std::vector<std::string> names, entries;
  if (!plot.data.empty()) {
    names.push_back("data");
    entries.push_back("with points pt 7 ps 0.9 lc '#777777' title 'data'");
  }
  Picture picture;
  picture.csv = absl::StrCat(kCsvHeader, "\n");
  std::string blocks = Block("data", plot.data);
  std::string lines = " $data using 1:2 with points pt 7 ps 0.9 lc '#777777'";
  for (size_t i = 0; i < plot.curves.size(); ++i) {
    const FunctionPlot::Curve& curve = plot.curves[i];
    const std::string style = absl::StrFormat(
        "with lines lc '%s' lw 2", SeriesColour(static_cast<int>(i)));
    names.push_back(curve.name);
    entries.push_back(
        absl::StrCat(style, " title ", GnuplotString(curve.name)));
    blocks += Block(absl::StrCat("curve", i), curve.points);
    absl::StrAppend(&lines, ", \\\n  $curve", i, " using 1:2 ", style);
    AppendCsv("curve", curve.name, curve.points, picture.csv);
    for (const auto& [px, py] : curve.points) {
      x.Add(px);
      y.Add(py);
    }
  }
  AppendCsv("data", "", plot.data, picture.csv);
  for (const auto& [px, py] : plot.data) {
    x.Add(px);
    y.Add(py);
  }
  const Canvas canvas({.panel_height = 640,
                       .legend_lines = Canvas::LegendLines(names),
                       .title = plot.title,
                       .top = 16});
  picture.script = absl::StrCat(
      canvas.Begin(), blocks, canvas.Panel(0, ""), "set xlabel ",
      GnuplotString(plot.x_label), "\nset ylabel ", GnuplotString(plot.y_label),
      "\nset xrange ", x.Padded(0).Text(), "\nset yrange ",
      y.Padded(0.05).Text(), "\nplot", lines, "\n", canvas.Legend(entries),
      "unset multiplot\n");
  return picture;
}

absl::StatusOr<std::vector<FunctionPlot::Curve>> ReadFunctionCurves(
    const std::string& path) {
  const auto refuse = [&path](int64_t line, absl::string_view problem) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", line, ": ", problem,
                     "; give a file that plot function --data_out wrote"));
  };
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  std::string line;
  if (!std::getline(file, line) || line != kCsvHeader) {
    return refuse(1, absl::StrCat("is not the header ", kCsvHeader));
  }
  std::vector<FunctionPlot::Curve> curves;
  for (int64_t number = 2; std::getline(file, line); ++number) {
    // Names that need quotes are for other programs to read.
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    double x = 0, y = 0;
    if (fields.size() != 4 || !absl::SimpleAtod(fields[2], &x) ||
        !absl::SimpleAtod(fields[3], &y)) {
      return refuse(number, "is not kind,name,x,y");
    }
    if (fields[0] != "curve") continue;
    if (curves.empty() || curves.back().name != fields[1]) {
      curves.push_back({.name = fields[1], .points = {}});
    }
    curves.back().points.emplace_back(x, y);
  }
  if (curves.empty()) return refuse(1, "holds no curve");
  return curves;
}

Picture DerivativesPicture(absl::Span<const DerivativePanel> panels,
                           const std::string& title) {
  Range x, y;
  for (const DerivativePanel& panel : panels) {
    for (const auto* points : {&panel.value, &panel.derivative}) {
      for (const auto& [px, py] : *points) {
        x.Add(px);
        y.Add(py);
      }
    }
  }
  const int count = static_cast<int>(panels.size());
  const int columns = count < 3 ? count : 3;
  const Canvas canvas({.rows = (count + columns - 1) / columns,
                       .columns = columns,
                       .panel_height = 336,
                       .legend_lines = 1,
                       .title = title,
                       .left = 70,
                       .right = 15,
                       .top = 44,
                       .bottom = 98});
  static constexpr const char* kStyles[] = {
      "with lines lc '#0072B2' lw 2.2",
      "with lines lc '#D55E00' lw 2 dt (12,8)"};
  Picture picture;
  picture.script = canvas.Begin();
  picture.csv = absl::StrCat(kCsvHeader, "\n");
  for (int i = 0; i < count; ++i) {
    const DerivativePanel& panel = panels[i];
    absl::StrAppend(
        &picture.script, Block(absl::StrCat("value", i), panel.value),
        Block(absl::StrCat("derivative", i), panel.derivative),
        canvas.Panel(i, panel.name),
        "set xlabel 'x' offset 0,0.4\nset xtics 1\nset ytics 1\nset xrange ",
        x.Padded(0).Text(), "\nset yrange ", y.Padded(0.05).Text(),
        "\nplot $value", i, " using 1:2 ", kStyles[0], ", \\\n  $derivative", i,
        " using 1:2 ", kStyles[1], "\n");
    AppendCsv("value", panel.name, panel.value, picture.csv);
    AppendCsv("derivative", panel.name, panel.derivative, picture.csv);
  }
  absl::StrAppend(
      &picture.script,
      canvas.Legend({absl::StrCat(kStyles[0], " title 'value'"),
                     absl::StrCat(kStyles[1], " title 'derivative'")}),
      "unset multiplot\n");
  return picture;
}

}  // namespace runtime
}  // namespace kiln
