#include "runtime/arena.h"

#include <sys/mman.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
// Sizes beyond this are a corrupt count, and would overflow when rounded up.
constexpr int64_t kMostBytes = int64_t{1} << 46;

}  // namespace

absl::StatusOr<Arena> Arena::Create(int64_t bytes) {
  if (bytes < 0 || bytes > kMostBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot allocate an arena of ", bytes, " bytes"));
  }
  Arena arena;
  if (bytes == 0) return arena;
  const int64_t alignment =
      bytes >= kHugePage ? kHugePage : static_cast<int64_t>(kAlignment);
  // aligned_alloc wants a multiple of the alignment.
  const int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  arena.memory_.reset(std::aligned_alloc(alignment, rounded));
  if (arena.memory_ == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("out of memory: an arena of ", bytes, " bytes"));
  }
  if (alignment == kHugePage) {
    madvise(arena.memory_.get(), rounded, MADV_HUGEPAGE);  // best effort
  }
  arena.bytes_ = bytes;
  arena.Zero();
  return arena;
}

void Arena::Zero() {
  if (bytes_ > 0) std::memset(memory_.get(), 0, bytes_);
}

}  // namespace runtime
}  // namespace kiln
