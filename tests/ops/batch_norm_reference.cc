// Formulas of PyTorch's BatchNorm2d documentation, one channel at a time.
#include "dsl/ops/batch_norm.h"
#include "tests/ops/references.h"

namespace kiln {
namespace {

template <typename T>
bool IsLive(const ReferenceCall<T>& call, int64_t n) {
  return BareWeight(call.values, n) != 0;
}

// The values of a channel in the batch.
template <typename T>
T CountOf(const ReferenceCall<T>& call, int64_t area) {
  int64_t lanes = 0;
  for (int64_t n = 0; n < call.batch(); ++n) lanes += IsLive(call, n);
  return T(static_cast<double>(lanes * area));
}

}  // namespace

template <typename T>
void BatchMeanReference(const ReferenceCall<T>& call) {
  const int64_t area = call.InSize(0) / call.OutSize();
  for (int64_t c = 0; c < call.OutSize(); ++c) {
    T sum = 0.0;
    for (int64_t n = 0; n < call.batch(); ++n) {
      if (!IsLive(call, n)) continue;
      for (int64_t i = 0; i < area; ++i) sum += call.In(0, n)[c * area + i];
    }
    call.output[c] = sum / CountOf(call, area);
  }
}

template <typename T>
void BatchMeanGradReference(const ReferenceCall<T>& call) {
  const int64_t area = call.OutSize() / call.InSize(0);
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i) {
      if (IsLive(call, n))
        call.Out(n)[i] = call.inputs[0][i / area] / CountOf(call, area);
    }
  }
}

template <typename T>
void BatchVarianceReference(const ReferenceCall<T>& call) {
  const int64_t area = call.InSize(0) / call.OutSize();
  for (int64_t c = 0; c < call.OutSize(); ++c) {
    T sum = 0.0;
    for (int64_t n = 0; n < call.batch(); ++n) {
      if (!IsLive(call, n)) continue;
      for (int64_t i = 0; i < area; ++i) {
        const T deviation = call.In(0, n)[c * area + i] - call.inputs[1][c];
        sum += deviation * deviation;
      }
    }
    call.output[c] = sum / CountOf(call, area);
  }
}

template <typename T>
void BatchVarianceGradReference(const ReferenceCall<T>& call) {
  const int64_t area = call.OutSize() / call.InSize(0);
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i) {
      const int64_t c = i / area;
      if (!IsLive(call, n)) continue;
      call.Out(n)[i] = call.inputs[0][c] * T(2.0) / CountOf(call, area) *
                       (call.In(1, n)[i] - call.inputs[2][c]);
    }
  }
}

template <typename T>
void UnbiasedVarianceReference(const ReferenceCall<T>& call) {
  const T count =
      CountOf(call, call.template OpAs<UnbiasedVarianceOp>().area());
  for (int64_t c = 0; c < call.OutSize(); ++c) {
    call.output[c] = call.inputs[0][c];
    if (ValueOf(count) > 1)
      call.output[c] = call.output[c] * (count / (count - T(1.0)));
  }
}

template <typename T>
void BatchNormReference(const ReferenceCall<T>& call) {
  const double eps = call.template OpAs<BatchNormOp>().eps();
  const int64_t area = call.OutSize() / call.InSize(1);
  const ScalarExpr std = Sqrt(Arg(0) + eps);
  for (int64_t n = 0; n < call.batch(); ++n) {
    for (int64_t i = 0; i < call.OutSize(); ++i) {
      const int64_t c = i / area;
      const bool affine = call.inputs.size() > 3;
      const T variance[] = {call.inputs[2][c]};
      const T scale = (affine ? call.inputs[3][c] : T(1.0)) /
                      EvaluateWith(std, absl::MakeConstSpan(variance));
      call.Out(n)[i] = (call.In(0, n)[i] - call.inputs[1][c]) * scale;
      if (affine) call.Out(n)[i] += call.inputs[4][c];
    }
  }
}

KILN_INSTANTIATE_REFERENCE(BatchMeanReference)
KILN_INSTANTIATE_REFERENCE(BatchMeanGradReference)
KILN_INSTANTIATE_REFERENCE(BatchVarianceReference)
KILN_INSTANTIATE_REFERENCE(BatchVarianceGradReference)
KILN_INSTANTIATE_REFERENCE(UnbiasedVarianceReference)
KILN_INSTANTIATE_REFERENCE(BatchNormReference)

}  // namespace kiln
