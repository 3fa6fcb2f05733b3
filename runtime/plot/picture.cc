#include "runtime/plot/picture.h"

#include <algorithm>
#include <cmath>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "runtime/atomic_file.h"
#include "runtime/plot/gnuplot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kTitleHeight = 56;       // of the whole picture's title
constexpr int kLegendGap = 26;         // between panels and legend
constexpr int kLegendLineHeight = 36;  // one line of the legend
// Letters of 18 points are about 10 pixels wide; a legend's entry has a sample
// of its line before it.
constexpr int kLetterWidth = 12;
constexpr int kSampleWidth = 110;
// In 3-D gnuplot leaves room for a bar of colours on the right, which none of
// the pictures has, and little for the tics on the left.
constexpr double kShift3d = 0.02;

}  // namespace

absl::Status WritePicture(const Picture& picture, const std::string& out,
                          const std::string& data_out) {
  absl::StatusOr<std::string> png = RenderPng(picture.script);
  if (!png.ok()) return png.status();
  absl::Status status = WriteFileAtomically(out, {*png});
  if (status.ok() && !data_out.empty()) {
    status = WriteFileAtomically(data_out, {picture.csv});
  }
  return status;
}

const char* SeriesColour(int i) {
  static constexpr const char* kColours[kSeriesColours] = {
      "#0072B2", "#D55E00", "#009E73", "#CC79A7",
      "#E69F00", "#56B4E9", "#000000", "#7A6A00"};
  return kColours[i % kSeriesColours];
}

std::string PaleColour(int i, double share) {
  const unsigned colour =
      std::stoul(std::string(SeriesColour(i) + 1), nullptr, 16);
  unsigned pale = 0;
  for (const int shift : {16, 8, 0}) {
    const double part = colour >> shift & 255;
    pale |= static_cast<unsigned>(255 - (255 - part) * share) << shift;
  }
  return absl::StrFormat("#%06x", pale);
}

const char* DivergingPalette() {
  return "set palette defined (-1 '#0072B2', 0 '#ffffff', 1 '#D55E00')\n";
}

// Viridis at five points.
const char* SequentialPalette() {
  return "set palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', "
         "3 '#5ec962', 4 '#fde725')\n";
}

void Range::Add(double value) {
  if (!std::isfinite(value)) return;
  if (empty()) {
    low = high = value;
  } else {
    low = std::min(low, value);
    high = std::max(high, value);
  }
}

Range Range::Padded(double share) const {
  if (empty()) return {.low = 0, .high = 1};
  const double by = high > low ? share * (high - low) : 1;
  return {.low = low - by, .high = high + by};
}

Range Range::Symmetric() const {
  const double most = empty() ? 0 : std::max(std::abs(low), std::abs(high));
  return most > 0 ? Range{-most, most} : Range{-1, 1};
}

std::string Range::Text() const {
  return absl::StrFormat("[%.6g:%.6g]", low, high);
}

double Range::TicStep(int count) const {
  const double least = empty() || high == low ? 1 : (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double step : {1, 2, 5}) {
    if (step * power >= least) return step * power;
  }
  return 10 * power;
}

std::string Readable(absl::string_view name) {
  return absl::StrReplaceAll(name, {{"_", " "}});
}

std::string Number(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.9g", value) : "nan";
}

std::string DataBlock(absl::string_view name, absl::Span<const double> values,
                      int columns, int scan) {
  std::string text = absl::StrCat("$", name, " << EOD\n");
  for (size_t i = 0; i < values.size(); ++i) {
    const bool ends = (i + 1) % columns == 0;
    absl::StrAppend(&text, Number(values[i]), ends ? "\n" : " ");
    if (ends && scan > 0 && (i + 1) / columns % scan == 0) text += "\n";
  }
  text += "EOD\n";
  return text;
}

std::string CsvField(absl::string_view text) {
  if (text.find_first_of(",\"\n\r") == absl::string_view::npos) {
    return std::string(text);
  }
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

Canvas::Canvas(Layout layout) : layout_(std::move(layout)) {}

int Canvas::height() const {
  return kTitleHeight + layout_.rows * layout_.panel_height +
         layout_.legend_lines * kLegendLineHeight +
         (layout_.legend_lines > 0 ? kLegendGap : 0);
}

std::string Canvas::Begin() const {
  return absl::StrFormat(
      "set terminal pngcairo noenhanced rounded size %d,%d font 'Sans,17' "
      "linewidth 1.6 background '#ffffff'\n"
      "set encoding utf8\n"
      "set border 3 lc '#444444'\n"
      "set tics nomirror out\n"
      "set grid lc '#dddddd' lw 0.6\n"
      "set multiplot title %s font 'Sans,20'\n"
      "unset key\n",
      kPictureWidth, height(), GnuplotString(layout_.title));
}

std::string Canvas::Panel(int i, absl::string_view title) const {
  const int row = i / layout_.columns, column = i % layout_.columns;
  const double width = static_cast<double>(kPictureWidth) / layout_.columns;
  const double total = height();
  const double top = kTitleHeight + row * layout_.panel_height;
  return absl::StrFormat(
      "set lmargin at screen %.4f\nset rmargin at screen %.4f\n"
      "set tmargin at screen %.4f\nset bmargin at screen %.4f\n"
      "set title %s font 'Sans,17'\n",
      (column * width + layout_.left) / kPictureWidth,
      ((column + 1) * width - layout_.right) / kPictureWidth,
      1 - (top + layout_.top) / total,
      1 - (top + layout_.panel_height - layout_.bottom) / total,
      GnuplotString(title));
}

std::string Canvas::Panel3d(int i, absl::string_view title) const {
  const int row = i / layout_.columns, column = i % layout_.columns;
  const double total = height();
  return absl::StrFormat(
      "set size %.4f,%.4f\nset origin %.4f,%.4f\nset title %s font "
      "'Sans,17' offset 0,0.9\n",
      1.0 / layout_.columns, layout_.panel_height / total,
      static_cast<double>(column) / layout_.columns + kShift3d,
      1 - (kTitleHeight + (row + 1.0) * layout_.panel_height) / total,
      GnuplotString(title));
}

std::string Canvas::Legend(absl::Span<const std::string> entries) const {
  if (layout_.legend_lines == 0) return "";
  const double total = height();
  std::string text = absl::StrFormat(
      "unset title\nunset xlabel\nunset ylabel\nunset tics\nunset grid\n"
      "unset border\nunset colorbox\nunset arrow\nunset label\n"
      "unset logscale\n"
      "set lmargin at screen 0\nset rmargin at screen 1\n"
      "set tmargin at screen %.4f\nset bmargin at screen %.4f\n"
      "set key center center horizontal Left reverse maxrows %d samplen 3 font "
      "'Sans,16'\n"
      "plot [0:1][0:1]",
      (layout_.legend_lines * kLegendLineHeight + 6) / total, 6 / total,
      layout_.legend_lines);
  for (size_t i = 0; i < entries.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? " " : ", \\\n  ", "NaN ", entries[i]);
  }
  text += "\n";
  return text;
}

int Canvas::LegendLines(absl::Span<const std::string> names) {
  size_t longest = 1;
  for (const std::string& name : names) {
    longest = std::max(longest, name.size());
  }
  const int each = static_cast<int>(longest) * kLetterWidth + kSampleWidth;
  const int per_line = std::max(1, (kPictureWidth - 20) / each);
  return (static_cast<int>(names.size()) + per_line - 1) / per_line;
}

}  // namespace runtime
}  // namespace kiln
