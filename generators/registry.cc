#include "generators/registry.h"

#include "absl/strings/string_view.h"

namespace kiln {
namespace {

constexpr struct {
  absl::string_view op;
  LowerOp lower;
} kRegistry[] = {
    {"input", LowerInput},
    {"target", LowerTarget},
    {"parameter", LowerParameter},
    {"sample_weight", LowerSampleWeight},
    {"conv2d", LowerConv2d},
    {"conv2d_input_grad", LowerConv2dInputGrad},
    {"conv2d_weight_grad", LowerConv2dWeightGrad},
    {"batch_sum", LowerBatchSum},
    {"dense", LowerDense},
    {"dense_input_grad", LowerDenseInputGrad},
    {"dense_weight_grad", LowerDenseWeightGrad},
    {"max_pool", LowerMaxPool},
    {"max_pool_index", LowerMaxPoolIndex},
    {"max_pool_grad", LowerMaxPoolGrad},
    {"avg_pool", LowerAvgPool},
    {"avg_pool_grad", LowerAvgPoolGrad},
    {"reshape", LowerReshape},
    {"pad", LowerPad},
    {"crop", LowerCrop},
    {"pointwise", LowerPointwise},
    {"sum", LowerSum},
    {"broadcast", LowerBroadcast},
    {"softmax_cross_entropy", LowerSoftmaxCrossEntropy},
    {"softmax_cross_entropy_grad", LowerSoftmaxCrossEntropyGrad},
    {"accuracy", LowerAccuracy},
};

}  // namespace

LowerOp FindLowering(absl::string_view op) {
  for (const auto& entry : kRegistry) {
    if (entry.op == op) return entry.lower;
  }
  return nullptr;
}

}  // namespace kiln
