#include "runtime/random_data.h"

#include <utility>

#include "runtime/random.h"

namespace kiln {
inline namespace runtime {

namespace {

void FillUniform(Column& column, float low, Random& random) {
  if (column.spec.storage == Storage::kUint8) {
    for (uint8_t& byte : column.bytes) byte = random.Below(256);
  } else {
    for (float& value : column.mutable_floats()) {
      value = random.Uniform(low, 1);
    }
  }
}

}  // namespace

Dataset MakeRandomDataset(const Manifest& manifest, int64_t samples,
                          uint64_t seed) {
  Random random(seed);
  Dataset data;
  data.samples = samples;
  for (const InputSpec& input : manifest.inputs) {
    data.inputs.push_back(MakeColumn({.name = input.name,
                                      .shape = input.shape,
                                      .storage = input.storage,
                                      .classes = 0},
                                     samples));
    FillUniform(data.inputs.back(), -1, random);
  }
  for (const TargetSpec& target : manifest.targets) {
    data.targets.push_back(MakeColumn(target, samples));
    Column& column = data.targets.back();
    if (target.classes == 0) {
      FillUniform(column, 0, random);
      continue;
    }
    for (int32_t& label : column.mutable_labels()) {
      label = static_cast<int32_t>(random.Below(target.classes));
    }
  }
  return data;
}

}  // namespace runtime
}  // namespace kiln
