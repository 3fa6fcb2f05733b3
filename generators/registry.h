// How each op is lowered: one function an op, defined in generators/ops/<op>.cc.
#ifndef KILN_GENERATORS_REGISTRY_H_
#define KILN_GENERATORS_REGISTRY_H_

#include "generators/lowering.h"

namespace kiln {

Lowered LowerInput(Lowering& lowering, const Node& node);
Lowered LowerTarget(Lowering& lowering, const Node& node);
Lowered LowerParameter(Lowering& lowering, const Node& node);
Lowered LowerSampleWeight(Lowering& lowering, const Node& node);
Lowered LowerConv2d(Lowering& lowering, const Node& node);
Lowered LowerConv2dInputGrad(Lowering& lowering, const Node& node);
Lowered LowerConv2dWeightGrad(Lowering& lowering, const Node& node);
Lowered LowerBatchSum(Lowering& lowering, const Node& node);
Lowered LowerDense(Lowering& lowering, const Node& node);
Lowered LowerDenseInputGrad(Lowering& lowering, const Node& node);
Lowered LowerDenseWeightGrad(Lowering& lowering, const Node& node);
Lowered LowerMaxPool(Lowering& lowering, const Node& node);
Lowered LowerMaxPoolIndex(Lowering& lowering, const Node& node);
Lowered LowerMaxPoolGrad(Lowering& lowering, const Node& node);
Lowered LowerAvgPool(Lowering& lowering, const Node& node);
Lowered LowerAvgPoolGrad(Lowering& lowering, const Node& node);
Lowered LowerReshape(Lowering& lowering, const Node& node);
Lowered LowerPad(Lowering& lowering, const Node& node);
Lowered LowerCrop(Lowering& lowering, const Node& node);
Lowered LowerPointwise(Lowering& lowering, const Node& node);
Lowered LowerSum(Lowering& lowering, const Node& node);
Lowered LowerBroadcast(Lowering& lowering, const Node& node);
Lowered LowerSoftmaxCrossEntropy(Lowering& lowering, const Node& node);
Lowered LowerSoftmaxCrossEntropyGrad(Lowering& lowering, const Node& node);
Lowered LowerAccuracy(Lowering& lowering, const Node& node);

}  // namespace kiln

#endif  // KILN_GENERATORS_REGISTRY_H_
