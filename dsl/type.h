// Shapes and types of graph values.
#ifndef KILN_DSL_TYPE_H_
#define KILN_DSL_TYPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kiln {

// Extents in row-major order, outermost first, in PyTorch's terms: an image is
// {channels, height, width}, a convolution weight {out, in, kernel height,
// kernel width}, a scalar {}. The batch is never written.
using Shape = std::vector<int64_t>;

enum class DType { kFloat32, kInt32 };

struct TensorType {
  Shape shape;
  DType dtype = DType::kFloat32;
  bool per_sample = true;  // One value per sample of the batch; false for
                           // parameters and their gradients.

  friend bool operator==(const TensorType&, const TensorType&) = default;
};

// Product of the extents; 1 for a scalar.
int64_t ElementCount(const Shape& shape);

// "6x28x28"; "scalar" for {}.
std::string ShapeString(const Shape& shape);

// "6x28x28 per sample", "int32 scalar per sample", "6x1x5x5".
std::string TypeString(const TensorType& type);

// Fails when an extent is not positive or the element count passes 2^40, so
// that no later product overflows.
absl::Status CheckShape(const Shape& shape);

// Height and width of a kernel, stride or padding; a single number stands for
// both.
struct Size2 {
  Size2(int64_t both)
      : height(both),
        width(both) {}  // NOLINT: `.kernel = 5` should read as written.
  Size2(int64_t height, int64_t width) : height(height), width(width) {}
  int64_t height;
  int64_t width;

  friend bool operator==(const Size2&, const Size2&) = default;
};

// "5x5"
std::string SizeString(const Size2& size);

// Output extent of a sliding window: floor((extent + 2 padding - kernel) /
// stride) + 1, or <= 0 when it does not fit.
int64_t WindowOutput(int64_t extent, int64_t kernel, int64_t stride,
                     int64_t padding);

}  // namespace kiln

#endif  // KILN_DSL_TYPE_H_
