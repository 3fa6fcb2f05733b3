#include "dsl/type.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln {

int64_t ElementCount(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

std::string ShapeString(const Shape& shape) {
  return shape.empty() ? "scalar" : absl::StrJoin(shape, "x");
}

std::string TypeString(const TensorType& type) {
  return absl::StrCat(type.dtype == DType::kInt32 ? "int32 " : "",
                      ShapeString(type.shape),
                      type.per_sample ? " per sample" : "");
}

absl::Status CheckShape(const Shape& shape) {
  constexpr int64_t kMaxElements = int64_t{1} << 40;
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeString(shape), " has an extent below 1"));
    }
    if (extent > kMaxElements / count) {
      return absl::InvalidArgumentError(absl::StrCat(
          "shape ", ShapeString(shape), " has more than 2^40 elements"));
    }
    count *= extent;
  }
  return absl::OkStatus();
}

std::string SizeString(const Size2& size) {
  return absl::StrCat(size.height, "x", size.width);
}

int64_t WindowOutput(int64_t extent, int64_t kernel, int64_t stride,
                     int64_t padding) {
  const int64_t room = extent + 2 * padding - kernel;
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace kiln
