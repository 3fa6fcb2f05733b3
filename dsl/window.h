// The shape rules that convolution and pooling share.
#ifndef KILN_DSL_WINDOW_H_
#define KILN_DSL_WINDOW_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dsl/type.h"

namespace kiln {

// Fails unless `type` is a per-sample image {channels, height, width}. `who`:
// "a convolution".
absl::Status CheckImage(absl::string_view who, const TensorType& type);

// The shape of `input` {C, H, W} after a window slid over it: {C, H', W'} by
// WindowOutput. Fails when the kernel or stride is below 1, the padding
// negative, or the kernel larger than the padded input.
absl::StatusOr<Shape> WindowShape(const Shape& input, const Size2& kernel,
                                  const Size2& stride, const Size2& padding);

// Fails when `outputs` x `operations` each is more than 2^50, so that no FLOP
// count overflows. REQUIRES: both positive.
absl::Status CheckWork(int64_t outputs, int64_t operations);

}  // namespace kiln

#endif  // KILN_DSL_WINDOW_H_
