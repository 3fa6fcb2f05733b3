#include "runtime/plot/surface.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

namespace {

double Along(const Range& range, int i, int grid) {
  return range.low + (range.high - range.low) * i / (grid - 1);
}

// The layer's own range, or that of its values, with a little air.
Range RangeOf(const Surface::Layer& layer) {
  if (!layer.z.empty()) return layer.z;
  Range range;
  for (const double value : layer.values) range.Add(value);
  return range.Padded(0.02);
}

// weight, bias and every layer's value, a scan a bias.
std::vector<double> Rows(const Surface& s) {
  std::vector<double> rows;
  for (int ib = 0; ib < s.grid; ++ib) {
    for (int iw = 0; iw < s.grid; ++iw) {
      rows.push_back(Along(s.weight, iw, s.grid));
      rows.push_back(Along(s.bias, ib, s.grid));
      for (const Surface::Layer& layer : s.layers) {
        rows.push_back(layer.values[ib * s.grid + iw]);
      }
    }
  }
  return rows;
}

std::string CsvOf(const Surface& s) {
  std::string csv = "weight,bias";
  for (const Surface::Layer& layer : s.layers) {
    absl::StrAppend(&csv, ",", CsvField(layer.name));
  }
  csv += "\n";
  const std::vector<double> rows = Rows(s);
  const size_t columns = 2 + s.layers.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    absl::StrAppend(&csv, Number(rows[i]), (i + 1) % columns == 0 ? "\n" : ",");
  }
  return csv;
}

}  // namespace

Picture SurfacePicture(const Surface& s) {
  const int count = static_cast<int>(s.layers.size());
  const Canvas canvas({.rows = (count + 2) / 2,
                       .columns = 2,
                       .panel_height = 500,
                       .title = s.title,
                       .left = 80,
                       .right = 60,
                       .top = 64,
                       .bottom = 100});
  Picture picture;
  std::string& script = picture.script;
  absl::StrAppend(
      &script, canvas.Begin(), DataBlock("surface", Rows(s), 2 + count, s.grid),
      "set border 4095 lc '#666666'\nset pm3d depthorder border lc "
      "'#444444' lw 0.25\nset view 58,325,1.06,1.05\nset xyplane 0\n"
      "set ticslevel 0\nunset colorbox\nset xlabel 'weight' offset 0,-0.6\n"
      "set ylabel 'bias' offset 0,-0.6\nset xrange ",
      s.weight.Text(), "\nset yrange ", s.bias.Text(), "\n",
      SequentialPalette());
  for (int i = 0; i < count; ++i) {
    const Range range = RangeOf(s.layers[i]);
    // Height and colour say the same: the axis is the colours' bar, too.
    absl::StrAppend(&script, canvas.Panel3d(i, s.layers[i].name), "set zrange ",
                    range.Text(), "\nset cbrange ", range.Text(),
                    "\nset ztics ", Number(range.TicStep(6)),
                    "\nsplot $surface using 1:2:", 3 + i, " with pm3d\n");
  }
  // A cut of each, in the plane and with a key of its own.
  const int middle = s.grid / 2;
  absl::StrAppend(
      &script,
      canvas.Panel(count, absl::StrFormat("cut at bias %g",
                                          Along(s.bias, middle, s.grid))),
      "set border 3 lc '#444444'\nset xlabel 'weight' offset 0,0\n"
      "unset ylabel\nset yrange [*:*]\nset offsets 0,0,graph 0.35,0\nset key "
      "top center Left reverse font 'Sans,14'\nplot");
  for (int i = 0; i < count; ++i) {
    absl::StrAppendFormat(
        &script,
        "%s $surface every :::%d::%d using 1:%d with lines lc '%s' lw 2 dt %d "
        "title %s",
        i == 0 ? "" : ", \\\n ", middle, middle, 3 + i, SeriesColour(i), i + 1,
        GnuplotString(s.layers[i].name));
  }
  script += "\nunset multiplot\n";
  picture.csv = CsvOf(s);
  return picture;
}

}  // namespace runtime
}  // namespace kiln
