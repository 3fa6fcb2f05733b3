#include "dsl/ops/concat.h"
#include "tests/ops/references.h"

namespace kiln {

// The first axis is the outermost: a sample's parts follow each other.
template <typename T>
void ConcatReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    int64_t place = 0;
    for (int i = 0; i < static_cast<int>(call.inputs.size()); ++i) {
      for (int64_t k = 0; k < call.InSize(i); ++k)
        call.Out(n)[place++] = call.In(i, n)[k];
    }
  }
}

template <typename T>
void ConcatGradReference(const ReferenceCall<T>& call) {
  const int64_t begin = call.template OpAs<ConcatGradOp>().begin(),
                rest = call.InSize(0) / call.InShape(0)[0];
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t k = 0; k < call.OutSize(); ++k)
      call.Out(n)[k] = call.In(0, n)[begin * rest + k];
  }
}

KILN_INSTANTIATE_REFERENCE(ConcatReference)
KILN_INSTANTIATE_REFERENCE(ConcatGradReference)

}  // namespace kiln
