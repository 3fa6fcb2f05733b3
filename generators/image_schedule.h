// Schedules of convolutions over images f(n, x, y, c): sums of products in
// register tiles, and what of their inputs rests in which cache.
#ifndef KILN_GENERATORS_IMAGE_SCHEDULE_H_
#define KILN_GENERATORS_IMAGE_SCHEDULE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/schedule.h"

namespace kiln {

// A turn of a tile's innermost loop, of vectors that hold one column, whose
// taps share their loads: so many at most are unrolled.
inline constexpr int64_t kMultiplyAddsOfATurn = 128;
// Vectors in a row x kernel width of which each is emitted by itself: about
// 1,000 instructions for a tile of channels.
inline constexpr int kMaxUnrolledTaps = 200;

// A sum of products for each (n, x, y, c) of an image.
struct ImageExtents {
  int64_t width;
  int64_t channels;
  int stride;    // in x, of what the reduction reads; only stride 1 can fuse
                 // samples and columns
  int64_t taps;  // in x, of the kernel
  int64_t input_channels;
  int64_t input_row_bytes;      // that a row of outputs reads of all channels
  int64_t tap_bytes;            // and a tap of one, of all rows of the kernel
  bool unroll_columns = false;  // emit every tile of a row by itself, for
                                // reductions whose taps depend on the column
};

// The reduction over `r` = (x, y, channel) into `func`, or, where the channels
// are taken in blocks, into `part`(n, x, y, c, block), and over those.
struct ImageSum {
  Halide::Func func, part;
  Halide::RDom r, blocks;
  bool in_blocks() const { return part.defined(); }
};

// The schedules of such a sum. Their names are the order of the loops over
// tiles, innermost first, after `prefix`: "x c y". Where the registers are few
// and the first cache does not hold what a tile reads of all channels, there
// are those "in blocks" of them, which it holds for all tiles of channels.
// "halves" are tiles of one vector of samples where a column is several.
std::vector<Family> ImageFamilies(const Lowering& lowering,
                                  const ImageExtents& extents,
                                  const std::string& prefix = "");

// `initial` and the sum of `product`(channel) over kernel and channels, as the
// family asks; `r` has x and y of the kernel and ReductionChannels.
ImageSum SumOverImage(
    const Lowering& lowering, const std::string& name,
    const ImageExtents& extents, const NodeSchedule& schedule,
    const Halide::Expr& initial, Halide::RDom r,
    const std::function<Halide::Expr(const Halide::Expr& channel)>& product);

// The channels of a reduction of a family: all, or those of a block.
int ReductionChannels(const Lowering& lowering, const ImageExtents& extents,
                      const NodeSchedule& schedule);

// Schedules the sum in register tiles of `consumer`, or by rows of it.
void TileImage(const Lowering& lowering, const ImageSum& sum,
               Halide::Func consumer, const ImageExtents& extents,
               const NodeSchedule& schedule);

}  // namespace kiln

#endif  // KILN_GENERATORS_IMAGE_SCHEDULE_H_
