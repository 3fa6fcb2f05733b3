// The schedule family for a block of one sample, which has no samples to fill a
// vector with: lanes run over the channels or the columns of an image, over the
// features of a vector, and over the elements of a parameter. Which of them is
// decided here, by shape and target, and nowhere else.
#ifndef KILN_GENERATORS_ONE_SAMPLE_H_
#define KILN_GENERATORS_ONE_SAMPLE_H_

#include "Halide.h"
#include "dsl/type.h"
#include "generators/lowering.h"

namespace kiln {

// Whether the pipeline is of this family.
bool IsOneSample(const Lowering& lowering);

// What the lanes of an image are. Its storage has that dimension innermost.
struct PixelLanes {
  bool channels;  // else columns
  int vector;     // lanes: divides the channels, at most as many as columns
};

// Of an image {C, H, W}: whatever needs fewer vectors, C / vector of each pixel
// or ceil(W / vector) of each row; channels if both need as many, since a
// convolution then has no horizontal sums and no rest. An image, its adjoint
// and what is computed pointwise of them agree, as they have one shape.
PixelLanes PixelLanesOf(const Lowering& lowering, const Shape& shape);

// compute_root with the lanes of `shape`, for what moves or maps data:
// f(n, x, y, c) or f(n, i).
void StoreSample(const Lowering& lowering, Halide::Func func,
                 const Shape& shape);

// `input`(n, x, y, c) of type {C, H, W} `border` columns and rows further on,
// with zeros wherever else it is read, stored with the lanes of `lanes_of`: not
// a vector straddles the edge, whose lanes would be loaded one by one.
Halide::Func StoreBordered(const Lowering& lowering, Halide::Func input,
                           const TensorType& type, const Size2& border,
                           const Shape& lanes_of, const std::string& name);

// Whether a convolution with outputs of `shape` is lowered for one sample with
// lanes of channels, or a dense layer with inputs of `features` for one sample.
bool HasChannelLanes(const Lowering& lowering, const Shape& shape);
bool HasFeatureLanes(const Lowering& lowering, int64_t features);

// Puts the innermost storage of an image where its lanes are.
void StoreLanesInnermost(const PixelLanes& lanes, Halide::Func image);

// f(n, i), the elements of an image with lanes of channels in row-major order,
// and f(n, x, y, c), such an image of row-major elements: copied channel by
// channel, since one side has its columns and the other its channels innermost.
void StoreFlattened(const Lowering& lowering, Halide::Func func,
                    const Shape& image);
void StoreUnflattened(const Lowering& lowering, Halide::Func func,
                      const Shape& image);

// Schedules `stage` (-1: the pure definition) of an output that has the shape
// of a parameter and is computed element by element: lanes along the elements
// as they are stored, each written once. Returns the loop over vectors, inside
// of which another such output can be computed.
Halide::Var StoreParameter(const Lowering& lowering, Halide::Func func,
                           int stage, const Shape& shape);

// What a dense layer's sum by lanes over its features starts from. Added to the
// finished sum instead, LLVM would order the additions across the lanes
// according to what stands around them.
Halide::Expr BiasInFirstLane(const Lowering& lowering, const Node& node,
                             const Halide::Var& lane,
                             const Halide::Var& output);

// Lowerings of this family, for the ops' own to return.
Lowered LowerConv2dOfOneSample(Lowering& lowering, const Node& node);
Lowered LowerConv2dInputGradOfOneSample(Lowering& lowering, const Node& node);
Lowered LowerConv2dWeightGradOfOneSample(Lowering& lowering, const Node& node);
Lowered LowerDenseOfOneSample(Lowering& lowering, const Node& node);
Lowered LowerDenseInputGradOfOneSample(Lowering& lowering, const Node& node);
Lowered LowerDenseWeightGradOfOneSample(Lowering& lowering, const Node& node);
Lowered LowerBatchSumOfOneSample(Lowering& lowering, const Node& node);

}  // namespace kiln

#endif  // KILN_GENERATORS_ONE_SAMPLE_H_
