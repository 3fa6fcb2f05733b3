// Convolution: f(n, x, y, c) with the sample innermost, so that every load of
// the input is a dense vector and every weight a broadcast.
#include "dsl/ops/conv2d.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "generators/image_schedule.h"
#include "generators/one_sample.h"
#include "generators/ops/conv2d_winograd.h"
#include "generators/registry.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

// Of a convolution that reads `read`, or the input's gradient.
ImageExtents ExtentsOf(const Lowering& lowering, const Node& node,
                       const Conv2dGeometry& g, const TensorType& read) {
  const int64_t tap_bytes =
      lowering.block() * lowering.real().bytes() * g.kernel.height;
  return {.width = node.type.shape[2],
          .channels = node.type.shape[0],
          .stride = static_cast<int>(g.stride.width),
          .taps = g.kernel.width,
          .input_channels = read.shape[0],
          .input_row_bytes =
              tap_bytes * read.shape[0] * (read.shape[2] + 2 * g.padding.width),
          .tap_bytes = tap_bytes};
}

// Where a tile's inputs are to rest in the first cache, the distance of two
// channels must not be one at which all of them fall on a few of its sets, as
// 12 x 12 and 28 x 28 columns of a line do: the rows are then stored a column
// or two longer.
void SpreadChannels(const Lowering& lowering, Func image,
                    const TensorType& type) {
  constexpr int64_t kLine = 64, kSets = 64, kMostShared = 4;
  const int64_t column_lines =
      std::max<int64_t>(lowering.block() * lowering.real().bytes() / kLine, 1);
  int64_t width = type.shape[2];
  while (std::gcd(width * type.shape[1] * column_lines, kSets) > kMostShared &&
         width < type.shape[2] + 4)
    ++width;
  image.align_storage(image.args()[1], static_cast<int>(width));
}

// weight(kx, ky, ci, co) as (kx, ky, co, ci): what sums over output channels
// then reads its kernels one after the other.
Func TurnedWeight(Lowering& lowering, const Node& node) {
  const NodeId weight_id = node.inputs[1];
  const std::string name =
      CName(lowering.graph().node(weight_id).name) + "_turned";
  Func& turned = lowering.shared(name);
  if (turned.defined()) return turned;
  const Var kx("kx"), ky("ky"), ci("ci"), co("co");
  turned = Func(name);
  turned(kx, ky, co, ci) = lowering.func(weight_id)(kx, ky, ci, co);

  const Shape& shape = lowering.type(weight_id).shape;
  turned.compute_root();
  if (shape[2] * shape[3] <= kMaxUnrolledTaps)
    turned.bound(kx, 0, static_cast<int>(shape[3]))
        .bound(ky, 0, static_cast<int>(shape[2]))
        .unroll(kx)
        .unroll(ky);
  return turned;
}

}  // namespace

Lowered LowerConv2d(Lowering& lowering, const Node& node) {
  if (IsOneSample(lowering)) return LowerConv2dOfOneSample(lowering, node);
  const Conv2dGeometry& g = static_cast<const Conv2dOp&>(*node.op).geometry();
  const TensorType& input_type = lowering.type(node.inputs[0]);
  const Var n("n"), x("x"), y("y"), c("c");
  const int sx = static_cast<int>(g.stride.width),
            sy = static_cast<int>(g.stride.height);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height);
  const ImageExtents extents = ExtentsOf(lowering, node, g, input_type);
  std::vector<Family> families = ImageFamilies(lowering, extents);
  OfferWinograd(lowering, g, input_type.shape, node.type.shape, families);
  const NodeSchedule schedule = lowering.ScheduleOf(node, families);
  if (IsWinograd(schedule))
    return LowerConv2dByWinograd(lowering, node, schedule);

  Func input = PaddedInput(lowering, node, g.padding),
       weight = lowering.input(node, 1);
  const int channels = ReductionChannels(lowering, extents, schedule);
  if (channels < input_type.shape[0] && px == 0 && py == 0)
    SpreadChannels(lowering, input, input_type);
  const RDom r(0, static_cast<int>(g.kernel.width), 0,
               static_cast<int>(g.kernel.height), 0, channels, "r");
  const Expr bias = node.inputs.size() > 2
                        ? lowering.input(node, 2)(c)
                        : Halide::Internal::make_const(lowering.real(), 0);
  const ImageSum sum = SumOverImage(
      lowering, CName(node.name), extents, schedule, bias, r,
      [&](const Expr& channel) {
        return input(n, x * sx + r.x - px, y * sy + r.y - py, channel) *
               weight(r.x, r.y, channel, c);
      });
  return {sum.func, [=, &lowering](Func consumer, int) {
            TileImage(lowering, sum, consumer, extents, schedule);
          }};
}

// The transposed kernel over the adjoint: of all taps only those that fall on
// an output position count. Rows outside are skipped. Where the row is short
// enough to unroll, so are columns: a vector's taps are known when it is
// emitted, and a vector whose columns are all outside costs nothing. Otherwise
// columns outside multiply zeros. Either is a family, up to rows of twice that
// length.
Lowered LowerConv2dInputGrad(Lowering& lowering, const Node& node) {
  if (HasChannelLanes(lowering, lowering.type(node.inputs[0]).shape))
    return LowerConv2dInputGradOfOneSample(lowering, node);
  const Conv2dGeometry& g =
      static_cast<const Conv2dInputGradOp&>(*node.op).geometry();
  const TensorType& output_type = lowering.type(node.inputs[0]);
  const Var n("n"), x("x"), y("y"), c("c");
  const int sx = static_cast<int>(g.stride.width),
            sy = static_cast<int>(g.stride.height);
  const int px = static_cast<int>(g.padding.width),
            py = static_cast<int>(g.padding.height);
  const int width = static_cast<int>(output_type.shape[2]),
            height = static_cast<int>(output_type.shape[1]);
  const ImageLanes lanes =
      LanesOf(lowering.block(), node.type.shape[2], sx, lowering.vector_size());
  const int columns = lanes.columns;
  const int64_t taps = node.type.shape[2] / columns * g.kernel.width;
  ImageExtents extents = ExtentsOf(lowering, node, g, output_type);
  const std::string kUnrolled = "unrolled ";
  std::vector<Family> families = ImageFamilies(lowering, extents);
  if (taps <= 2 * kMaxUnrolledTaps) {
    const std::vector<Family> unrolled =
        ImageFamilies(lowering, extents, kUnrolled);
    families.insert(
        taps <= kMaxUnrolledTaps ? families.begin() : families.end(),
        unrolled.begin(), unrolled.end());
  }
  OfferWinogradInputGrad(lowering, g, node.type.shape, output_type.shape,
                         families);
  const NodeSchedule schedule = lowering.ScheduleOf(node, families);
  if (IsWinograd(schedule))
    return LowerConv2dInputGradByWinograd(lowering, node, schedule);
  const bool unroll = absl::StrContains(schedule.family, kUnrolled);
  extents.unroll_columns = unroll;
  const bool pads =
      !unroll ||
      columns > 1;  // a vector of several columns can lie across the edge
  const int channels = ReductionChannels(lowering, extents, schedule);
  const bool turns = channels < output_type.shape[0];
  Func weight = turns ? TurnedWeight(lowering, node) : lowering.input(node, 1),
       d_output = lowering.input(node, 0);
  if (turns && !pads) SpreadChannels(lowering, d_output, output_type);
  if (pads)
    d_output = ZeroPadded(lowering, d_output, output_type,
                          CName(node.name) + "_padded");

  RDom r(0, static_cast<int>(g.kernel.width), 0,
         static_cast<int>(g.kernel.height), 0, channels, "r");
  const Expr from_x = x + px - r.x, from_y = y + py - r.y;
  r.where(from_y >= 0 && from_y < height * sy);
  if (sy > 1) r.where(from_y % sy == 0);
  if (sx > 1) r.where(from_x % sx == 0);
  if (unroll) {
    const Expr first =
        x / columns * columns + px - r.x;  // of the vector's columns
    r.where(first + (columns - 1) >= 0 && first < width * sx);
  }
  // The clamps change nothing where the conditions hold; they tell how much of
  // the adjoint is read.
  const Expr column =
      pads ? from_x / sx : Halide::clamp(from_x / sx, 0, width - 1);
  const Expr row = Halide::clamp(from_y / sy, 0, height - 1);
  const ImageSum sum =
      SumOverImage(lowering, CName(node.name), extents, schedule,
                   Halide::Internal::make_const(lowering.real(), 0), r,
                   [&](const Expr& channel) {
                     return d_output(n, column, row, channel) *
                            (turns ? weight(r.x, r.y, channel, c)
                                   : weight(r.x, r.y, c, channel));
                   });
  return {sum.func, [=, &lowering](Func consumer, int) {
            TileImage(lowering, sum, consumer, extents, schedule);
          }};
}

}  // namespace kiln
