#ifndef KILN_RUNTIME_GENERATED_SETS_H_
#define KILN_RUNTIME_GENERATED_SETS_H_

#include <cstdint>

#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

inline constexpr int kXorCloudTrainSamples = 400;
inline constexpr int kXorCloudTestSamples = 200;

// The four rows of exclusive or, the same for training and test: input "x" {2}
// float32 = (0,0) (0,1) (1,0) (1,1), target "y" {1} float32 = 0 1 1 0.
DataPair MakeXor();

// Points around those four, normally distributed with standard deviation 0.15
// in each coordinate, each with its row's target: columns as in MakeXor, rows
// in turn, so that each has as many samples as the others. About one point in
// a thousand lies nearer to another row than to its own.
DataPair MakeXorCloud(uint64_t seed);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_GENERATED_SETS_H_
