#include "generators/one_sample.h"

#include <algorithm>

#include "generators/schedule.h"

namespace kiln {

using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

namespace {

constexpr int kLeastVector = 4;
constexpr int kMostUnrolled = 16;  // of the innermost loop

}  // namespace

bool IsOneSample(const Lowering& lowering) {
  return lowering.fast() && lowering.block() == 1;
}

PixelLanes PixelLanesOf(const Lowering& lowering, const Shape& shape) {
  const int64_t channels = shape[0], width = shape[2];
  const int over_channels = VectorDivisor(channels, lowering.vector_size());
  const int over_columns = LargestVector(width, lowering.vector_size());
  const int64_t of_pixels = width * (channels / over_channels),
                of_rows =
                    channels * ((width + over_columns - 1) / over_columns);
  if (over_channels >= kLeastVector && of_pixels <= of_rows)
    return {true, over_channels};
  return {false, over_columns};
}

bool HasChannelLanes(const Lowering& lowering, const Shape& shape) {
  return IsOneSample(lowering) && shape.size() == 3 &&
         PixelLanesOf(lowering, shape).channels;
}

bool HasFeatureLanes(const Lowering& lowering, int64_t features) {
  return IsOneSample(lowering) &&
         VectorDivisor(features, lowering.vector_size()) >= kLeastVector;
}

void StoreLanesInnermost(const PixelLanes& lanes, Func image) {
  const std::vector<Var> vars = image.args();
  if (lanes.channels) image.reorder_storage(vars[3], vars[1], vars[2], vars[0]);
}

void StoreSample(const Lowering& lowering, Func func, const Shape& shape) {
  func.compute_root();
  const std::vector<Var> vars = func.args();
  if (shape.size() == 3) {
    const PixelLanes lanes = PixelLanesOf(lowering, shape);
    StoreLanesInnermost(lanes, func);
    if (lanes.channels) func.reorder(vars[3], vars[1], vars[2], vars[0]);
    if (lanes.vector > 1)
      func.vectorize(vars[lanes.channels ? 3 : 1], lanes.vector,
                     TailStrategy::ShiftInwards);
  } else if (shape.size() == 1) {
    const int vector = LargestVector(shape[0], lowering.vector_size());
    if (vector > 1) func.vectorize(vars[1], vector, TailStrategy::ShiftInwards);
  }
}

Func StoreBordered(const Lowering& lowering, Func input, const TensorType& type,
                   const Size2& border, const Shape& lanes_of,
                   const std::string& name) {
  const Var n("n"), x("x"), y("y"), c("c");
  const int width = static_cast<int>(type.shape[2]);
  const RDom r(0, width, 0, static_cast<int>(type.shape[1]), "r");
  Func bordered(name);
  bordered(n, x, y, c) = Halide::Internal::make_const(input.types()[0], 0);
  bordered(n, r.x + static_cast<int>(border.width),
           r.y + static_cast<int>(border.height), c) = input(n, r.x, r.y, c);

  StoreSample(lowering, bordered, lanes_of);
  const PixelLanes lanes = PixelLanesOf(lowering, lanes_of);
  Halide::Stage inside = bordered.update();
  if (lanes.channels) {
    inside.reorder(c, r.x, r.y, n).vectorize(c, lanes.vector);
  } else if (lanes.vector > 1) {
    const RVar lane("lane");
    inside
        .split(r.x, r.x, lane, LargestVector(width, lowering.vector_size()),
               TailStrategy::GuardWithIf)
        .vectorize(lane);
  }
  return bordered;
}

void StoreFlattened(const Lowering&, Func func, const Shape& image) {
  const Var i = func.args()[1], x("x"), y("y"), c("c");
  func.compute_root()
      .bound(i, 0, static_cast<int>(ElementCount(image)))
      .split(i, y, x, static_cast<int>(image[2]))
      .split(y, c, y, static_cast<int>(image[1]))
      .unroll(x);
}

void StoreUnflattened(const Lowering& lowering, Func func, const Shape& image) {
  const std::vector<Var> vars = func.args();
  func.compute_root().reorder(vars[1], vars[2], vars[3], vars[0]);
  StoreLanesInnermost(PixelLanesOf(lowering, image), func);
  if (image[2] <= kMostUnrolled) func.unroll(vars[1]);
}

Var StoreParameter(const Lowering& lowering, Func func, int stage,
                   const Shape& shape) {
  constexpr int kVectors = 5;  // a step of the loop
  const std::vector<Var> vars = func.args();
  for (size_t d = 0; d < shape.size(); ++d)
    func.bound(vars[d], 0, static_cast<int>(shape[shape.size() - 1 - d]));
  Halide::Stage loops = StageOf(func, stage);
  Var elements = vars[0];
  int64_t extent = shape.back();
  // A kernel's rows are short, but all kernels of an output channel are one
  // run.
  for (size_t d = 1; d + 1 < shape.size(); ++d) {
    const Var run("run" + std::to_string(d));
    loops.fuse(elements, vars[d], run);
    elements = run;
    extent *= shape[shape.size() - 1 - d];
  }
  const Var lane("lane");
  const int vector = LargestVector(extent, lowering.vector_size());
  const bool divides = extent % vector == 0;
  const int64_t vectors = (extent + vector - 1) / vector;
  loops.split(elements, elements, lane, vector,
              divides ? TailStrategy::RoundUp : TailStrategy::GuardWithIf);
  if (vector > 1) loops.vectorize(lane);
  if (divides) {
    loops.unroll(elements, LargestDivisor(vectors, kVectors));
  } else if (shape.size() > 1 && vectors <= kMostUnrolled) {
    // All of a row, so that only the last vector is a masked one.
    loops.unroll(elements);
    return vars.back();
  }
  return elements;
}

}  // namespace kiln
