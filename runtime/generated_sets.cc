#include "runtime/generated_sets.h"

#include "runtime/random.h"

namespace kiln {
inline namespace runtime {
namespace {

constexpr float kCloudDeviation = 0.15f;

// `samples` rows of exclusive or in turn, each coordinate off by `deviation`
// times a standard normal number.
Dataset XorRows(const char* name, int64_t samples, float deviation,
                Random random) {
  Column x = MakeColumn({.name = "x", .shape = {2}}, samples);
  Column y = MakeColumn({.name = "y", .shape = {1}}, samples);
  x.origin = y.origin = name;
  for (int64_t i = 0; i < samples; ++i) {
    const bool a = (i & 2) != 0;
    const bool b = (i & 1) != 0;
    x.mutable_floats()[2 * i] = (a ? 1 : 0) + deviation * random.Normal();
    x.mutable_floats()[2 * i + 1] = (b ? 1 : 0) + deviation * random.Normal();
    y.mutable_floats()[i] = a != b ? 1 : 0;
  }
  return {.samples = samples, .inputs = {x}, .targets = {y}};
}

}  // namespace

DataPair MakeXor() {
  const Dataset rows = XorRows("xor", 4, 0, Random(0));
  return {.train = rows, .test = rows};
}

DataPair MakeXorCloud(uint64_t seed) {
  return {.train = XorRows("xor_cloud", kXorCloudTrainSamples, kCloudDeviation,
                           Random(seed, 0)),
          .test = XorRows("xor_cloud", kXorCloudTestSamples, kCloudDeviation,
                          Random(seed, 1))};
}

}  // namespace runtime
}  // namespace kiln
