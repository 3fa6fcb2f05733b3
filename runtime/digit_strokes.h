#ifndef KILN_RUNTIME_DIGIT_STROKES_H_
#define KILN_RUNTIME_DIGIT_STROKES_H_

#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

// A point of a pen's path: x to the right and y down, both 0..100 over the
// digit's box.
struct StrokePoint {
  float x, y;
};

// Stands between two strokes: the pen is lifted, or turns a sharp corner.
inline constexpr StrokePoint kPenUp = {-1, -1};

// One way to write a digit: strokes of two or more points, each a smooth curve
// through its points (straight if they are two), with kPenUp between.
using Glyph = absl::Span<const StrokePoint>;

// The ways to write `digit`, which is 0..9.
absl::Span<const Glyph> DigitGlyphs(int digit);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DIGIT_STROKES_H_
