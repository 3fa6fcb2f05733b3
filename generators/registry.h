// The registry: one line an op, the name it has in the graph and the function
// that lowers it, which is defined in generators/ops/.
#ifndef KILN_GENERATORS_REGISTRY_H_
#define KILN_GENERATORS_REGISTRY_H_

#include "generators/lowering.h"

namespace kiln {

// clang-format off
#define KILN_LOWERINGS(X) \
  X("input", LowerInput) \
  X("target", LowerTarget) \
  X("parameter", LowerParameter) \
  X("sample_weight", LowerSampleWeight) \
  X("random", LowerRandom) \
  X("conv2d", LowerConv2d) \
  X("conv2d_input_grad", LowerConv2dInputGrad) \
  X("conv2d_weight_grad", LowerConv2dWeightGrad) \
  X("batch_sum", LowerBatchSum) \
  X("channel_affine", LowerChannelAffine) \
  X("batch_mean", LowerBatchMean) \
  X("batch_mean_grad", LowerBatchMeanGrad) \
  X("batch_variance", LowerBatchVariance) \
  X("batch_variance_grad", LowerBatchVarianceGrad) \
  X("unbiased_variance", LowerUnbiasedVariance) \
  X("batch_norm", LowerBatchNorm) \
  X("dense", LowerDense) \
  X("dense_input_grad", LowerDenseInputGrad) \
  X("dense_weight_grad", LowerDenseWeightGrad) \
  X("max_pool", LowerMaxPool) \
  X("max_pool_index", LowerMaxPoolIndex) \
  X("max_pool_grad", LowerMaxPoolGrad) \
  X("avg_pool", LowerAvgPool) \
  X("avg_pool_grad", LowerAvgPoolGrad) \
  X("reshape", LowerReshape) \
  X("pad", LowerPad) \
  X("crop", LowerCrop) \
  X("pointwise", LowerPointwise) \
  X("sum", LowerSum) \
  X("broadcast", LowerBroadcast) \
  X("softmax_cross_entropy", LowerSoftmaxCrossEntropy) \
  X("softmax_cross_entropy_grad", LowerSoftmaxCrossEntropyGrad) \
  X("accuracy", LowerAccuracy) \
  X("concat", LowerConcat) \
  X("concat_grad", LowerConcatGrad) \
  X("expand", LowerExpand) \
  X("prepared", LowerPrepared) \
  X("matmul", LowerMatmul) \
  X("matvec", LowerMatvec) \
  X("scale_rows", LowerScaleRows) \
  X("regather", LowerRegather)
// clang-format on

#define KILN_DECLARE_LOWERING(op, lower) \
  Lowered lower(Lowering& lowering, const Node& node);
KILN_LOWERINGS(KILN_DECLARE_LOWERING)
#undef KILN_DECLARE_LOWERING

}  // namespace kiln

#endif  // KILN_GENERATORS_REGISTRY_H_
