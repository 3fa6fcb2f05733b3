// Pictures are drawn by gnuplot, a program of its own that is started once a
// picture. The script, data and all, goes to its standard input and the PNG
// comes from its standard output, so that no file name, and nothing else that a
// user wrote, is ever part of a command.

#ifndef KILN_RUNTIME_PLOT_GNUPLOT_H_
#define KILN_RUNTIME_PLOT_GNUPLOT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

// Whether gnuplot can be started. NotFound says how to get it: ask before long
// work whose picture is wanted.
absl::Status CheckGnuplot();

// The bytes of the PNG that gnuplot draws for `script`, whose terminal must be
// a PNG terminal without `set output`. Errors: gnuplot is missing, it refused
// the script (its first complaint is quoted), or what it left is no whole PNG.
absl::StatusOr<std::string> RenderPng(absl::string_view script);

// `text` as a gnuplot string. In single quotes gnuplot substitutes nothing.
// Line breaks, which would end the command, become blanks, and apostrophes
// typographic ones: gnuplot 5.4 takes a doubled one for the string's end where
// it stands first.
std::string GnuplotString(absl::string_view text);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_GNUPLOT_H_
