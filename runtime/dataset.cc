#include "runtime/dataset.h"

#include <cassert>
#include <utility>

namespace kiln {
inline namespace runtime {
namespace {

// The column's bytes as elements of T; AlignedVector's alignment allows it.
template <typename T, typename Bytes>
absl::Span<T> ElementsOf(Bytes& bytes) {
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

}  // namespace

int64_t ColumnSpec::elements() const {
  int64_t product = 1;
  for (const int64_t extent : shape) product *= extent;
  return product;
}

absl::Span<const float> Column::floats() const {
  assert(spec.storage == Storage::kFloat32);
  return ElementsOf<const float>(bytes);
}

absl::Span<const int32_t> Column::labels() const {
  assert(spec.storage == Storage::kInt32);
  return ElementsOf<const int32_t>(bytes);
}

absl::Span<float> Column::mutable_floats() {
  assert(spec.storage == Storage::kFloat32);
  return ElementsOf<float>(bytes);
}

absl::Span<int32_t> Column::mutable_labels() {
  assert(spec.storage == Storage::kInt32);
  return ElementsOf<int32_t>(bytes);
}

Column MakeColumn(ColumnSpec spec, int64_t samples) {
  Column column;
  column.bytes.resize(samples * spec.elements() * StorageSize(spec.storage));
  column.spec = std::move(spec);
  return column;
}

}  // namespace runtime
}  // namespace kiln
