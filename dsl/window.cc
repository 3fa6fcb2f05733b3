#include "dsl/window.h"

#include "absl/strings/str_cat.h"

namespace kiln {

absl::Status CheckImage(absl::string_view who, const TensorType& type) {
  if (type.shape.size() == 3 && type.per_sample &&
      type.dtype == DType::kFloat32)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(who, " needs an image {channels, height, width}, not ",
                   TypeString(type)));
}

absl::StatusOr<Shape> WindowShape(const Shape& input, const Size2& kernel,
                                  const Size2& stride, const Size2& padding) {
  // Sizes past any image are mistakes, and the bound keeps the arithmetic below
  // from overflowing.
  constexpr int64_t kMaxSize = int64_t{1} << 30;
  for (const Size2& size : {kernel, stride}) {
    if (size.height < 1 || size.width < 1 || size.height > kMaxSize ||
        size.width > kMaxSize) {
      return absl::InvalidArgumentError(
          absl::StrCat("kernel ", SizeString(kernel), " and stride ",
                       SizeString(stride), " must be 1 or more"));
    }
  }
  if (padding.height < 0 || padding.width < 0 || padding.height > kMaxSize ||
      padding.width > kMaxSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("padding ", SizeString(padding), " must be 0 or more"));
  }
  const int64_t height =
      WindowOutput(input[1], kernel.height, stride.height, padding.height);
  const int64_t width =
      WindowOutput(input[2], kernel.width, stride.width, padding.width);
  if (height < 1 || width < 1) {
    std::string with_padding =
        padding == Size2(0)
            ? ""
            : absl::StrCat(" with padding ", SizeString(padding));
    return absl::InvalidArgumentError(
        absl::StrCat("kernel ", SizeString(kernel), " does not fit input ",
                     ShapeString(input), with_padding));
  }
  const Shape output = {input[0], height, width};
  if (absl::Status status = CheckShape(output); !status.ok()) return status;
  return output;
}

absl::Status CheckWork(int64_t outputs, int64_t operations) {
  if (operations <= (int64_t{1} << 50) / outputs) return absl::OkStatus();
  return absl::InvalidArgumentError("a sample needs more than 2^50 operations");
}

}  // namespace kiln
