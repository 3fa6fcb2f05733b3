#ifndef KILN_RUNTIME_STORAGE_H_
#define KILN_RUNTIME_STORAGE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

// How one element of a data set's column lies in memory (native byte order).
enum class Storage { kUint8, kInt32, kFloat32 };

// "uint8", "int32" or "float32", as in the manifest.
absl::string_view StorageName(Storage storage);

// Bytes of one element.
int64_t StorageSize(Storage storage);

// "1x28x28"; "scalar" for {}.
std::string ShapeText(absl::Span<const int64_t> shape);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_STORAGE_H_
