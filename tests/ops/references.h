// The reference of every op: what it computes, as plain loops in double. One
// small function an op, in <op>_reference.cc beside the op's test, and one line
// in the table of references.cc.
#ifndef KILN_TESTS_OPS_REFERENCES_H_
#define KILN_TESTS_OPS_REFERENCES_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"

namespace kiln {

// One evaluation of an op on the whole batch.
struct ReferenceCall {
  const Node& node;
  const GraphValues& values;
  std::vector<TensorType> types;      // of the inputs
  std::vector<const double*> inputs;  // values as NodeValues has them
  double* output;                     // zeros, to be filled

  int64_t batch() const { return values.batch; }

  // Sample n of input i; the whole tensor where the input is not per sample.
  const double* In(int i, int64_t n) const {
    return inputs[i] +
           (types[i].per_sample ? n * ElementCount(types[i].shape) : 0);
  }
  // Sample n of the output; the whole tensor where it is not per sample.
  double* Out(int64_t n) const {
    return output +
           (node.type.per_sample ? n * ElementCount(node.type.shape) : 0);
  }

  const Shape& InShape(int i) const { return types[i].shape; }
  const Shape& OutShape() const { return node.type.shape; }
  int64_t InSize(int i) const { return ElementCount(types[i].shape); }
  int64_t OutSize() const { return ElementCount(node.type.shape); }

  template <typename T>
  const T& OpAs() const {
    return dynamic_cast<const T&>(*node.op);
  }
};

using Reference = void (*)(const ReferenceCall&);

// The reference of the op of this name, or nullptr.
const Reference* FindReference(absl::string_view op);

// Names of all ops that have one.
std::vector<absl::string_view> ReferencedOps();

void InputReference(const ReferenceCall& call);
void TargetReference(const ReferenceCall& call);
void ParameterReference(const ReferenceCall& call);
void SampleWeightReference(const ReferenceCall& call);
void Conv2dReference(const ReferenceCall& call);
void Conv2dInputGradReference(const ReferenceCall& call);
void Conv2dWeightGradReference(const ReferenceCall& call);
void DenseReference(const ReferenceCall& call);
void DenseInputGradReference(const ReferenceCall& call);
void DenseWeightGradReference(const ReferenceCall& call);
void BatchSumReference(const ReferenceCall& call);
void MaxPoolReference(const ReferenceCall& call);
void MaxPoolIndexReference(const ReferenceCall& call);
void MaxPoolGradReference(const ReferenceCall& call);
void AvgPoolReference(const ReferenceCall& call);
void AvgPoolGradReference(const ReferenceCall& call);
void PadReference(const ReferenceCall& call);
void CropReference(const ReferenceCall& call);
void PointwiseReference(const ReferenceCall& call);
void ReshapeReference(const ReferenceCall& call);
void SumReference(const ReferenceCall& call);
void BroadcastReference(const ReferenceCall& call);
void SoftmaxCrossEntropyReference(const ReferenceCall& call);
void SoftmaxCrossEntropyGradReference(const ReferenceCall& call);
void AccuracyReference(const ReferenceCall& call);

}  // namespace kiln

#endif  // KILN_TESTS_OPS_REFERENCES_H_
