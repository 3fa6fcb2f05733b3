#include <algorithm>
#include <cmath>

#include "tests/ops/references.h"

namespace kiln {
namespace {

// log(sum of e^z_k), without overflow.
double LogSumExp(const double* z, int64_t count) {
  const double largest = *std::max_element(z, z + count);
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += std::exp(z[k] - largest);
  return largest + std::log(sum);
}

}  // namespace

void SoftmaxCrossEntropyReference(const ReferenceCall& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    const double* z = call.In(0, n);
    const int64_t label = static_cast<int64_t>(*call.In(1, n));
    *call.Out(n) = LogSumExp(z, call.InSize(0)) - z[label];
  }
}

void SoftmaxCrossEntropyGradReference(const ReferenceCall& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    const double* z = call.In(0, n);
    const int64_t label = static_cast<int64_t>(*call.In(1, n));
    const double log_sum = LogSumExp(z, call.InSize(0));
    for (int64_t k = 0; k < call.InSize(0); ++k) {
      call.Out(n)[k] =
          (std::exp(z[k] - log_sum) - (k == label ? 1 : 0)) * *call.In(2, n);
    }
  }
}

void AccuracyReference(const ReferenceCall& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    const double* z = call.In(0, n);
    const int64_t first_maximum = std::max_element(z, z + call.InSize(0)) - z;
    *call.Out(n) =
        first_maximum == static_cast<int64_t>(*call.In(1, n)) ? 1 : 0;
  }
}

}  // namespace kiln
