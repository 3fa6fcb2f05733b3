#include "runtime/plot/tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

namespace {

// In pixels: beside and between tiles, and of the letters above them.
constexpr double kLeft = 90, kRight = 190, kGap = 10, kNameHeight = 26;
constexpr double kMostHeight = 1500;              // of the grid
constexpr double kSmallest = 12, kLargest = 260;  // a tile's width

std::string CsvOf(const Tiles& t) {
  std::string csv = "tile,row,column,y,x,value\n";
  for (size_t i = 0; i < t.tiles.size(); ++i) {
    for (size_t p = 0; p < t.tiles[i].pixels.size(); ++p) {
      absl::StrAppend(&csv, CsvField(t.tiles[i].name), ",", i / t.columns, ",",
                      i % t.columns, ",", p / t.width, ",", p % t.width, ",",
                      Number(t.tiles[i].pixels[p]), "\n");
    }
  }
  return csv;
}

std::string Label(const std::string& text, double x, double y,
                  const char* where) {
  return absl::StrFormat("set label %s at first %.2f,%.2f %s font 'Sans,15'\n",
                         GnuplotString(text), x, y, where);
}

}  // namespace

int ColumnsFor(int count) {
  const double wide = std::sqrt(1.6 * count);
  int best = 1;
  double least = std::numeric_limits<double>::infinity();
  for (int columns = 1; columns <= count; ++columns) {
    // Away from that shape by a factor of e is as bad as a whole row of holes.
    const int holes = (columns - count % columns) % columns;
    const double cost = std::abs(std::log(columns / wide)) +
                        static_cast<double>(holes) / columns;
    if (cost < least) {
      best = columns;
      least = cost;
    }
  }
  return best;
}

Picture TilesPicture(const Tiles& t) {
  const int count = static_cast<int>(t.tiles.size());
  const int rows = (count + t.columns - 1) / t.columns;
  const bool named = std::any_of(t.tiles.begin(), t.tiles.end(),
                                 [](const auto& i) { return !i.name.empty(); });
  const double above = named ? kNameHeight : 0;
  const double room = kPictureWidth - kLeft - kRight;
  const double fits =
      std::min(room / t.columns - kGap,
               (kMostHeight / rows - kGap - above) * t.width / t.height);
  const double width = std::clamp(fits, kSmallest, kLargest);
  const double height = width * t.height / t.width;
  // The plot's coordinates are pixels, upwards from the grid's lower left.
  const double pitch_x = width + kGap, pitch_y = height + kGap + above;
  const double grid_width = t.columns * pitch_x, grid_height = rows * pitch_y;
  const double header = t.column_labels.empty() ? 0 : kNameHeight;

  Range range;
  for (const Tiles::Tile& tile : t.tiles) {
    for (const float value : tile.pixels) range.Add(value);
  }
  const bool is_signed = range.empty() || range.low < 0;
  const Range colours =
      is_signed ? range.Symmetric()
                : Range{.low = 0, .high = range.high > 0 ? range.high : 1};

  // Centred between the margins; the box is exactly the grid's pixels.
  const int left = static_cast<int>(kLeft + (room - grid_width) / 2);
  const int panel = static_cast<int>(grid_height + header) + 30;
  const Canvas canvas(
      {.panel_height = std::max(panel, 300),
       .title = t.title,
       .left = left,
       .right = kPictureWidth - left - static_cast<int>(grid_width),
       .top = static_cast<int>(header) + 5,
       .bottom = std::max(panel, 300) - static_cast<int>(header) - 5 -
                 static_cast<int>(grid_height)});
  Picture picture;
  std::string& script = picture.script;
  script = absl::StrCat(canvas.Begin(), canvas.Panel(0, ""),
                        "unset border\nunset xtics\nunset ytics\nunset grid\n",
                        is_signed ? DivergingPalette() : SequentialPalette());
  absl::StrAppendFormat(&script,
                        "set xrange [0:%.2f]\nset yrange [0:%.2f]\n"
                        "set cbrange %s\nset cblabel %s\n",
                        grid_width, grid_height, colours.Text(),
                        GnuplotString(t.colour_label));
  std::string plot = "plot";
  for (int i = 0; i < count; ++i) {
    const Tiles::Tile& tile = t.tiles[i];
    const double x = i % t.columns * pitch_x + kGap / 2;
    const double top = grid_height - i / t.columns * pitch_y - above;
    const std::string name = absl::StrCat("tile", i);
    const std::vector<double> pixels(tile.pixels.begin(), tile.pixels.end());
    script += DataBlock(name, pixels, t.width);
    absl::StrAppendFormat(&script,
                          "set object %d rectangle from first %.2f,%.2f to "
                          "first %.2f,%.2f front fillstyle empty border lc "
                          "'#888888' lw 0.6\n",
                          i + 1, x, top - height, x + width, top);
    if (!tile.name.empty()) {
      script += Label(tile.name, x + width / 2, top + 13, "center");
    }
    const double dx = width / t.width, dy = height / t.height;
    absl::StrAppendFormat(&plot,
                          "%s $%s matrix using (%.3f+$1*%.4f):(%.3f-$2*%.4f):3 "
                          "with image",
                          i == 0 ? "" : ", \\\n ", name, x + dx / 2, dx,
                          top - dy / 2, dy);
  }
  for (size_t r = 0; r < t.row_labels.size(); ++r) {
    script += Label(t.row_labels[r], -8,
                    grid_height - r * pitch_y - above - height / 2, "right");
  }
  for (size_t c = 0; c < t.column_labels.size(); ++c) {
    script += Label(t.column_labels[c], c * pitch_x + kGap / 2 + width / 2,
                    grid_height + header / 2, "center");
  }
  absl::StrAppend(&script, plot, "\nunset multiplot\n");
  picture.csv = CsvOf(t);
  return picture;
}

}  // namespace runtime
}  // namespace kiln
