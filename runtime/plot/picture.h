// What all pictures share: one style, panels on a canvas, data blocks, and the
// way to the disk.
//
// Every picture is kPictureWidth pixels wide, with letters that can still be
// read when it is shown 800 wide. Colours are those of Okabe and Ito
// (https://jfly.uni-koeln.de/color), which people with any of the common
// colour-vision deficiencies tell apart; in place of their yellow, which white
// paper swallows, there is a dark olive.

#ifndef KILN_RUNTIME_PLOT_PICTURE_H_
#define KILN_RUNTIME_PLOT_PICTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

inline constexpr int kPictureWidth = 1200;
inline constexpr int kSeriesColours = 8;

// A picture before it is drawn: gnuplot's script, which holds its data, and the
// same numbers as CSV with a header.
struct Picture {
  std::string script, csv;
};

// Draws `picture` into the file `out` and, where `data_out` is not empty,
// writes its numbers there. Each file is written atomically and neither before
// the picture is drawn.
absl::Status WritePicture(const Picture& picture, const std::string& out,
                          const std::string& data_out);

// Colour i of kSeriesColours: "#0072B2".
const char* SeriesColour(int i);
// The same mixed with white, `share` of it left: for what stands behind.
std::string PaleColour(int i, double share);
// The palettes of maps, as gnuplot commands: of classes and signed numbers
// (blue, white at the middle, vermilion), and of quantities (dark to bright).
const char* DivergingPalette();
const char* SequentialPalette();

// A lower and an upper end. Empty until a number was added.
struct Range {
  double low = 1, high = 0;

  bool empty() const { return low > high; }
  void Add(double value);  // NaN and infinities are left out
  // Widened by `share` of its length on both sides; by 1 if it has no length.
  Range Padded(double share) const;
  // The same around 0: [-m, m].
  Range Symmetric() const;
  std::string Text() const;  // "[-1:2.5]"
  // The distance of tics, 1, 2 or 5 times a power of ten, that puts at most
  // `count` of them into it.
  double TicStep(int count) const;
};

// "$name << EOD", a line a row of `columns` numbers, "EOD". After each `scan`
// rows a blank line, where that is above 0.
std::string DataBlock(absl::string_view name, absl::Span<const double> values,
                      int columns, int scan = 0);

// `name` for people: underscores as spaces.
std::string Readable(absl::string_view name);

// A number as text: 9 digits, "nan" where there is none.
std::string Number(double value);

// `text` as a CSV field, quoted where it must be.
std::string CsvField(absl::string_view text);

// A picture of rows x columns panels of equal size with a title above and a
// legend below. In pixels; REQUIRES: rows, columns >= 1.
class Canvas {
 public:
  struct Layout {
    int rows = 1, columns = 1;
    int panel_height = 420;
    int legend_lines = 0;
    std::string title;
    // Room in each panel beside its axes.
    int left = 130, right = 45, top = 48, bottom = 78;
  };
  explicit Canvas(Layout layout);

  // The terminal, the style, and `set multiplot`.
  std::string Begin() const;
  // Moves to panel i, row by row, and titles it.
  std::string Panel(int i, absl::string_view title) const;
  // The same for a picture in 3-D, which gnuplot fits into the whole panel.
  std::string Panel3d(int i, absl::string_view title) const;
  // The legend's lines: `entries` are plot elements without data, such as
  // "with lines ls 1 title 'run'". Nothing where legend_lines is 0.
  std::string Legend(absl::Span<const std::string> entries) const;

  static int LegendLines(absl::Span<const std::string> names);

 private:
  int height() const;

  Layout layout_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_PICTURE_H_
