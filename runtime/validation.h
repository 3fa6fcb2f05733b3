#ifndef KILN_RUNTIME_VALIDATION_H_
#define KILN_RUNTIME_VALIDATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Takes `share` of the training samples, chosen at random by `seed` and rounded
// to whole samples, out of the training part and makes them the test part, in
// place of what was there: settings that are chosen by them have not seen the
// real test samples. Both parts keep the order that they had.
// InvalidArgument when the share is not within (0, 1) or leaves either part
// without samples.
absl::Status HoldBack(double share, uint64_t seed, DataPair& data);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_VALIDATION_H_
