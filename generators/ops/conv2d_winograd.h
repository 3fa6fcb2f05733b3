// Convolutions and their gradients by Winograd's minimal filtering along y
// (generators/winograd.h): two rows of outputs at a time, which for a kernel of
// 3 rows are 4 products instead of 6, of 5 rows 6 instead of 10. Along x and
// over the channels they are sums of products as ever. Rows are transformed in
// whole vectors of samples.
//
// Against the exact result F(2, 3) errs as much as the plain sum does, F(2, 5)
// some 1.8 times as much: tests/generators/winograd_test.cc.
#ifndef KILN_GENERATORS_OPS_CONV2D_WINOGRAD_H_
#define KILN_GENERATORS_OPS_CONV2D_WINOGRAD_H_

#include <vector>

#include "dsl/ops/conv2d.h"
#include "generators/lowering.h"

namespace kiln {

// Adds the families of it to those of a convolution of `input` to `output`, or
// of one of its gradients, if there are: in float32, at stride 1, of blocks of
// whole vectors and an even number of output rows. They come first where an
// estimate says that they save a tenth and more.
void OfferWinograd(const Lowering& lowering, const Conv2dGeometry& g,
                   const Shape& input, const Shape& output,
                   std::vector<Family>& families);
void OfferWinogradInputGrad(const Lowering& lowering, const Conv2dGeometry& g,
                            const Shape& input, const Shape& output,
                            std::vector<Family>& families);
void OfferWinogradWeightGrad(const Lowering& lowering, const Conv2dGeometry& g,
                             const Shape& input, const Shape& output,
                             std::vector<Family>& families);

bool IsWinograd(const NodeSchedule& schedule);

Lowered LowerConv2dByWinograd(Lowering& lowering, const Node& node,
                              const NodeSchedule& schedule);
Lowered LowerConv2dInputGradByWinograd(Lowering& lowering, const Node& node,
                                       const NodeSchedule& schedule);
Lowered LowerConv2dWeightGradByWinograd(Lowering& lowering, const Node& node,
                                        const NodeSchedule& schedule);

}  // namespace kiln

#endif  // KILN_GENERATORS_OPS_CONV2D_WINOGRAD_H_
