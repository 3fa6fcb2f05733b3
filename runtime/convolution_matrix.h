// A convolution as what it also is: a dense layer whose matrix is sparse and
// repeats its weights.

#ifndef KILN_RUNTIME_CONVOLUTION_MATRIX_H_
#define KILN_RUNTIME_CONVOLUTION_MATRIX_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "runtime/manifest.h"

namespace kiln {
inline namespace runtime {

struct SparseMatrix {
  struct Entry {
    int64_t row, column;
    float value;
  };
  int64_t rows = 0, columns = 0;
  std::vector<Entry> entries;  // by row, then by column; the others are 0
};

// The matrix M for which flatten(conv(x)) = M flatten(x), without the bias;
// flattened through channels, then rows, then columns. A row has an entry for
// every weight that falls inside the image at that position. `weight` is {out,
// in, height, width}, row-major.
SparseMatrix ConvolutionMatrix(const ConvolutionSpec& convolution,
                               absl::Span<const float> weight);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_CONVOLUTION_MATRIX_H_
