// One flat, zeroed, aligned block of memory. Parameters, gradients, optimizer
// state and workspaces each live in one, so that one arena is one checkpoint
// write, one memset, one vector addition and one message.

#ifndef KILN_RUNTIME_ARENA_H_
#define KILN_RUNTIME_ARENA_H_

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/aligned.h"

namespace kiln {
inline namespace runtime {

class Arena {
 public:
  Arena() = default;

  // `bytes` zero bytes, aligned to kAlignment. ResourceExhausted when the
  // machine has no such memory. Large arenas start on a 2 MiB boundary and ask
  // for huge pages, which spares a training step most of its TLB misses.
  static absl::StatusOr<Arena> Create(int64_t bytes);
  static absl::StatusOr<Arena> OfFloats(int64_t count) {
    return Create(count * static_cast<int64_t>(sizeof(float)));
  }

  int64_t bytes() const { return bytes_; }
  void* data() { return memory_.get(); }
  const void* data() const { return memory_.get(); }

  absl::Span<float> floats() {
    return {static_cast<float*>(data()), bytes_ / sizeof(float)};
  }
  absl::Span<const float> floats() const {
    return {static_cast<const float*>(data()), bytes_ / sizeof(float)};
  }

  void Zero();

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  int64_t bytes_ = 0;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_ARENA_H_
