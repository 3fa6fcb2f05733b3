#ifndef KILN_RUNTIME_RANDOM_DATA_H_
#define KILN_RUNTIME_RANDOM_DATA_H_

#include <cstdint>

#include "runtime/dataset.h"
#include "runtime/manifest.h"

namespace kiln {
inline namespace runtime {

// A data set of random numbers that fits the model, for measuring and checking
// pipelines without any file: inputs uniform (bytes 0..255, floats in [-1, 1]),
// values in [0, 1], labels uniform over the classes. A function of its
// arguments alone.
Dataset MakeRandomDataset(const Manifest& manifest, int64_t samples,
                          uint64_t seed);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_RANDOM_DATA_H_
