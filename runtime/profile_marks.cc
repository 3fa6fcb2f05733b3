#include "runtime/profile_marks.h"

#include <chrono>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace kiln {
inline namespace runtime {

namespace {

thread_local absl::Span<int64_t> mark_times;

}  // namespace

int64_t ProfileTicks() {
#if defined(__x86_64__)
  return static_cast<int64_t>(__rdtsc());
#else
  return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

void KeepProfileMarks(absl::Span<int64_t> times) { mark_times = times; }

}  // namespace runtime
}  // namespace kiln

extern "C" int kiln_profile_mark(int stage) {
  const absl::Span<int64_t> times = kiln::mark_times;
  if (static_cast<size_t>(stage) < times.size())
    times[stage] = kiln::ProfileTicks();
  return 0;
}
