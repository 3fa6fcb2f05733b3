// The marks between the stages of a profiled pipeline.

#ifndef KILN_RUNTIME_PROFILE_MARKS_H_
#define KILN_RUNTIME_PROFILE_MARKS_H_

#include <cstdint>

#include "absl/types/span.h"

// Profiled pipelines call it at the beginning of each of their stages, which
// they number from 0 in the order in which they run. Returns 0.
extern "C" int kiln_profile_mark(int stage);

namespace kiln {
inline namespace runtime {

// A clock that is cheap to read, in ticks of its own: the time stamp counter
// where there is one, which ticks evenly on every x86-64 of the last decade.
int64_t ProfileTicks();

// From now on this thread's marks write ProfileTicks() into times[stage];
// stages beyond the end, and all without a call of this, are not kept. `times`
// outlives the marks, or an empty span is given before it ends.
void KeepProfileMarks(absl::Span<int64_t> times);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PROFILE_MARKS_H_
