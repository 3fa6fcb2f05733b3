// What the convolutions of one sample with lanes of output channels share: see
// conv2d_of_one_sample.cc, conv2d_weight_grad_of_one_sample.cc and
// conv2d_winograd_of_one_sample.cc.
#ifndef KILN_GENERATORS_OPS_CONV2D_OF_ONE_SAMPLE_H_
#define KILN_GENERATORS_OPS_CONV2D_OF_ONE_SAMPLE_H_

#include <vector>

#include "dsl/ops/conv2d.h"
#include "generators/lowering.h"
#include "generators/one_sample.h"

namespace kiln {

// Where the element `tap` of a stored kernel {inputs, kh, kw} is.
struct KernelTap {
  KernelTap(const Halide::Expr& tap, const Conv2dGeometry& g);
  Halide::Expr kx, ky, ci;
};
// The same the other way.
Halide::Expr TapOf(const Halide::Expr& kx, const Halide::Expr& ky,
                   const Halide::Expr& ci, const Conv2dGeometry& g);

// Schedules a stage of a tile of accumulators that registers hold: vectors of
// `lanes`, and all that `others` say.
void HoldInRegisters(Halide::Stage stage, const Halide::Var& lanes, int vector,
                     const std::vector<Halide::Var>& others);

// weight(kx, ky, ci, co) as (co, kx, ky, ci): once a step, for all that reads
// it so.
Halide::Func PackedWeight(Lowering& lowering, NodeId weight,
                          const Conv2dGeometry& g);

// A weight's gradient(kx, ky, ci, co) of `packed`(co, tap).
Halide::Func UnpackedGradient(const Lowering& lowering, const Node& node,
                              const Conv2dGeometry& g, Halide::Func packed);

// Whether the registers hold a tile of vectors of channels x columns, a row of
// the kernel and the inputs that its columns share, so that a row is one step.
bool HoldsKernelRow(const Lowering& lowering, const Tile& tile,
                    const Conv2dGeometry& g);

// Winograd's minimal filtering along y (conv2d_winograd.h) with lanes of output
// channels: adds the family where it may be, first where an estimate says that
// it saves a tenth and more.
void OfferWinogradOfOneSample(const Lowering& lowering, const Conv2dGeometry& g,
                              const Shape& input, const Shape& output,
                              std::vector<Family>& families);
void OfferWinogradWeightGradOfOneSample(const Lowering& lowering,
                                        const Conv2dGeometry& g,
                                        const Shape& input, const Shape& output,
                                        std::vector<Family>& families);
Lowered LowerConv2dByWinogradOfOneSample(Lowering& lowering, const Node& node,
                                         const Tile& tile);
Lowered LowerConv2dWeightGradByWinogradOfOneSample(Lowering& lowering,
                                                   const Node& node,
                                                   const Tile& tile);

}  // namespace kiln

#endif  // KILN_GENERATORS_OPS_CONV2D_OF_ONE_SAMPLE_H_
