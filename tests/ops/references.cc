#include "tests/ops/references.h"

#include <utility>

namespace kiln {
namespace {

const std::vector<std::pair<absl::string_view, Reference>>& Table() {
  static const auto& table =
      *new std::vector<std::pair<absl::string_view, Reference>>{
          {"input", InputReference},
          {"target", TargetReference},
          {"parameter", ParameterReference},
          {"sample_weight", SampleWeightReference},
          {"conv2d", Conv2dReference},
          {"conv2d_input_grad", Conv2dInputGradReference},
          {"conv2d_weight_grad", Conv2dWeightGradReference},
          {"dense", DenseReference},
          {"dense_input_grad", DenseInputGradReference},
          {"dense_weight_grad", DenseWeightGradReference},
          {"batch_sum", BatchSumReference},
          {"max_pool", MaxPoolReference},
          {"max_pool_index", MaxPoolIndexReference},
          {"max_pool_grad", MaxPoolGradReference},
          {"avg_pool", AvgPoolReference},
          {"avg_pool_grad", AvgPoolGradReference},
          {"pad", PadReference},
          {"crop", CropReference},
          {"pointwise", PointwiseReference},
          {"reshape", ReshapeReference},
          {"sum", SumReference},
          {"broadcast", BroadcastReference},
          {"softmax_cross_entropy", SoftmaxCrossEntropyReference},
          {"softmax_cross_entropy_grad", SoftmaxCrossEntropyGradReference},
          {"accuracy", AccuracyReference},
      };
  return table;
}

}  // namespace

const Reference* FindReference(absl::string_view op) {
  for (const auto& [name, reference] : Table()) {
    if (name == op) return &reference;
  }
  return nullptr;
}

std::vector<absl::string_view> ReferencedOps() {
  std::vector<absl::string_view> names;
  for (const auto& [name, reference] : Table()) names.push_back(name);
  return names;
}

}  // namespace kiln
