#include "runtime/storage.h"

#include "absl/strings/str_join.h"

namespace kiln {
inline namespace runtime {

absl::string_view StorageName(Storage storage) {
  switch (storage) {
    case Storage::kUint8:
      return "uint8";
    case Storage::kInt32:
      return "int32";
    case Storage::kFloat32:
      return "float32";
  }
  return "unknown";
}

int64_t StorageSize(Storage storage) {
  return storage == Storage::kUint8 ? 1 : 4;
}

std::string ShapeText(absl::Span<const int64_t> shape) {
  return shape.empty() ? "scalar" : absl::StrJoin(shape, "x");
}

}  // namespace runtime
}  // namespace kiln
