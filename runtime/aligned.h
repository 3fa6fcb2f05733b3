#ifndef KILN_RUNTIME_ALIGNED_H_
#define KILN_RUNTIME_ALIGNED_H_

#include <cstddef>
#include <new>
#include <vector>

namespace kiln {
inline namespace runtime {

// One cache line, and one AVX-512 register: what the emitted pipelines may
// assume of every arena, workspace and data column.
inline constexpr std::size_t kAlignment = 64;

// Allocates at multiples of kAlignment.
template <typename T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <typename U>
  AlignedAllocator(const AlignedAllocator<U>&) {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(
        ::operator new(count * sizeof(T), std::align_val_t(kAlignment)));
  }
  void deallocate(T* pointer, std::size_t) {
    ::operator delete(pointer, std::align_val_t(kAlignment));
  }

  friend bool operator==(AlignedAllocator, AlignedAllocator) { return true; }
};

// A vector whose first element lies at a multiple of kAlignment.
template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_ALIGNED_H_
