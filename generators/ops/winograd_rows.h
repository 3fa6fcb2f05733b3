// What convolutions by Winograd's filtering share: rows of vectors, two of
// outputs at a time, at the points of F(2, r).
#ifndef KILN_GENERATORS_OPS_WINOGRAD_ROWS_H_
#define KILN_GENERATORS_OPS_WINOGRAD_ROWS_H_

#include <functional>
#include <vector>

#include "dsl/ops/conv2d.h"
#include "generators/lowering.h"
#include "generators/winograd.h"

namespace kiln {

// The families' names, or what they begin with.
inline constexpr char kWinograd[] = "winograd";

inline constexpr int kWinogradRows = 2;  // of outputs at a time
// Bytes of a whole image's windows at all points that are at hand at once.
inline constexpr int64_t kMostWindows = 256 << 10;
// The family is taken where it needs less than this share of the time.
inline constexpr double kWinogradIsWorthIt = 0.9;

Winograd WinogradOf(const Conv2dGeometry& g);

// A vector is of samples, or, where a block is short, of several columns of
// them all: position l of a row holds column l / samples, and of it sample
// l % samples of part `part` of the block. So a step in x is a shift of l.
int SamplesOfRow(const Lowering& lowering);

// Whether there is a filter for the kernel, and rows of outputs make whole
// groups; and images rows of whole vectors of samples.
bool AllowsWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                    const Shape& output);
bool AllowsWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                    const Shape& input, const Shape& output);

// Of a channel's windows at one point, of an image and its whole block.
int64_t WindowBytes(const Lowering& lowering, const Conv2dGeometry& g,
                    const Shape& input, const Shape& output);

// An element for each point.
Winograd::Elements AtPoints(const Winograd& filter,
                            const std::function<Halide::Expr(int point)>& at);

// The window of a group of outputs, of `image`(n, x, y, c) with zeros around
// it, over variables l, c, group and part.
Winograd::Elements WindowAtPoints(const Lowering& lowering,
                                  const Winograd& filter, Halide::Func image,
                                  int padding);

// Schedules `transformed` over l, c, point, group and part, all points of a
// vector together.
void TransformAt(const Lowering& lowering, Halide::Func transformed, int points,
                 const Halide::LoopLevel& level);

}  // namespace kiln

#endif  // KILN_GENERATORS_OPS_WINOGRAD_ROWS_H_
