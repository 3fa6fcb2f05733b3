#include "tests/support/heap_counter.h"

#include <HalideRuntime.h>
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace {

std::atomic<int64_t> calls{0};

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// A sanitizer has replaced malloc already, and tells of each call. (Declared in
// sanitizer/allocator_interface.h, which Debian's g++ lacks.)
extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void*, size_t),
    void (*on_free)(const volatile void*));

namespace {

void CountCall(const volatile void*, size_t) { ++calls; }
void IgnoreFree(const volatile void*) {}
[[maybe_unused]] const int installed =
    __sanitizer_install_malloc_and_free_hooks(CountCall, IgnoreFree);

}  // namespace

#else

// glibc's own entry points, behind the replacements.
extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  ++calls;
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  ++calls;
  return __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size) {
  ++calls;
  return __libc_realloc(memory, size);
}

void* memalign(size_t alignment, size_t size) {
  ++calls;
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? 12 /* ENOMEM */ : 0;
}

}  // extern "C"

#endif

namespace kiln {

namespace {

// Halide's runtime may call the system's malloc or cut pieces from a block of
// its own; either way a pipeline that gets here has left the static plan.
void* CountingHalideMalloc(void* /*user_context*/, size_t size) {
  ++calls;
  return std::aligned_alloc(128, (size + 127) / 128 * 128);
}

void HalideFree(void* /*user_context*/, void* memory) { std::free(memory); }

}  // namespace

int64_t HeapCalls() { return calls; }

void CountHalideMalloc() {
  halide_set_custom_malloc(CountingHalideMalloc);
  halide_set_custom_free(HalideFree);
}

}  // namespace kiln
