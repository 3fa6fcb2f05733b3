#include "runtime/hand_set.h"

#include <algorithm>
#include <vector>

namespace kiln {
inline namespace runtime {
namespace {

Column OneSample(const char* name, const std::vector<float>& values) {
  Column column = MakeColumn(
      {.name = name, .shape = {static_cast<int64_t>(values.size())}}, 1);
  column.origin = "hand_421";
  std::copy(values.begin(), values.end(), column.mutable_floats().begin());
  return column;
}

}  // namespace

DataPair MakeHand421() {
  const Dataset sample = {
      .samples = 1,
      .inputs = {OneSample("x12", {9, -11}), OneSample("x34", {-3, 8})},
      .targets = {OneSample("y", {0.5f})}};
  return {.train = sample, .test = sample};
}

}  // namespace runtime
}  // namespace kiln
