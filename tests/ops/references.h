// The reference of every op: what it computes, as plain loops. One small
// function an op, in <op>_reference.cc beside the op's test, and one line in
// KILN_REFERENCES below.
//
// A reference is a template over the number it computes with: double gives the
// value, Rounded the value and what float32 code may be off by.
#ifndef KILN_TESTS_OPS_REFERENCES_H_
#define KILN_TESTS_OPS_REFERENCES_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"
#include "tests/support/rounded.h"

namespace kiln {

inline std::vector<int64_t> SizesOf(const std::vector<TensorType>& types) {
  std::vector<int64_t> sizes;
  for (const TensorType& type : types)
    sizes.push_back(ElementCount(type.shape));
  return sizes;
}

// One evaluation of an op on the whole batch.
template <typename T>
struct ReferenceCall {
  const Node& node;
  const GraphValues& values;
  std::vector<TensorType> types;  // of the inputs
  std::vector<const T*> inputs;   // values as NodeValues has them
  T* output;                      // zeros, to be filled
  // Elements of a sample, or of the tensor where it is not per sample: counted
  // once, since loops ask for them.
  std::vector<int64_t> in_sizes = SizesOf(types);
  int64_t out_size = ElementCount(node.type.shape);

  int64_t batch() const { return values.batch; }

  // Sample n of input i; the whole tensor where the input is not per sample.
  const T* In(int i, int64_t n) const {
    return inputs[i] + (types[i].per_sample ? n * in_sizes[i] : 0);
  }
  // Sample n of the output; the whole tensor where it is not per sample.
  T* Out(int64_t n) const {
    return output + (node.type.per_sample ? n * out_size : 0);
  }

  const Shape& InShape(int i) const { return types[i].shape; }
  const Shape& OutShape() const { return node.type.shape; }
  int64_t InSize(int i) const { return in_sizes[i]; }
  int64_t OutSize() const { return out_size; }

  template <typename OpType>
  const OpType& OpAs() const {
    return dynamic_cast<const OpType&>(*node.op);
  }
};

template <typename T>
using Reference = void (*)(const ReferenceCall<T>&);

// clang-format off
#define KILN_REFERENCES(X) \
  X("input", InputReference) \
  X("target", TargetReference) \
  X("parameter", ParameterReference) \
  X("sample_weight", SampleWeightReference) \
  X("random", RandomReference) \
  X("conv2d", Conv2dReference) \
  X("conv2d_input_grad", Conv2dInputGradReference) \
  X("conv2d_weight_grad", Conv2dWeightGradReference) \
  X("dense", DenseReference) \
  X("dense_input_grad", DenseInputGradReference) \
  X("dense_weight_grad", DenseWeightGradReference) \
  X("batch_sum", BatchSumReference) \
  X("channel_affine", ChannelAffineReference) \
  X("batch_mean", BatchMeanReference) \
  X("batch_mean_grad", BatchMeanGradReference) \
  X("batch_variance", BatchVarianceReference) \
  X("batch_variance_grad", BatchVarianceGradReference) \
  X("unbiased_variance", UnbiasedVarianceReference) \
  X("batch_norm", BatchNormReference) \
  X("max_pool", MaxPoolReference) \
  X("max_pool_index", MaxPoolIndexReference) \
  X("max_pool_grad", MaxPoolGradReference) \
  X("avg_pool", AvgPoolReference) \
  X("avg_pool_grad", AvgPoolGradReference) \
  X("pad", PadReference) \
  X("crop", CropReference) \
  X("pointwise", PointwiseReference) \
  X("reshape", ReshapeReference) \
  X("sum", SumReference) \
  X("broadcast", BroadcastReference) \
  X("softmax_cross_entropy", SoftmaxCrossEntropyReference) \
  X("softmax_cross_entropy_grad", SoftmaxCrossEntropyGradReference) \
  X("accuracy", AccuracyReference) \
  X("concat", ConcatReference) \
  X("concat_grad", ConcatGradReference) \
  X("expand", ExpandReference) \
  X("prepared", PreparedReference) \
  X("matmul", MatmulReference) \
  X("matvec", MatvecReference) \
  X("scale_rows", ScaleRowsReference)
// clang-format on

#define KILN_DECLARE_REFERENCE(op, reference) \
  template <typename T>                       \
  void reference(const ReferenceCall<T>& call);
KILN_REFERENCES(KILN_DECLARE_REFERENCE)
#undef KILN_DECLARE_REFERENCE

// At the end of the file that defines the template.
#define KILN_INSTANTIATE_REFERENCE(reference)                 \
  template void reference(const ReferenceCall<double>& call); \
  template void reference(const ReferenceCall<Rounded>& call);

// The reference of the op of this name, or nullptr.
template <typename T>
Reference<T> FindReference(absl::string_view op);

// Names of all ops in the list.
std::vector<absl::string_view> ReferencedOps();

// Adds a reference that is not in the list, of an op that only tests have.
void RegisterReference(absl::string_view op, Reference<double> in_double,
                       Reference<Rounded> rounded);

}  // namespace kiln

#endif  // KILN_TESTS_OPS_REFERENCES_H_
