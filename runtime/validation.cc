#include "runtime/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "runtime/random.h"

namespace kiln {
inline namespace runtime {
namespace {

// Of Random; the generated sets draw from streams 0 and 1 of the same seed.
constexpr uint64_t kStream = 2;

Column Rows(const Column& from, absl::Span<const uint32_t> rows) {
  const int64_t row_bytes =
      from.spec.elements() * StorageSize(from.spec.storage);
  Column column;
  column.spec = from.spec;
  column.origin = from.origin;
  column.bytes.resize(rows.size() * row_bytes);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(from.bytes.begin() + rows[i] * row_bytes, row_bytes,
                column.bytes.begin() + i * row_bytes);
  }
  return column;
}

Dataset Rows(const Dataset& from, absl::Span<const uint32_t> rows) {
  Dataset data{.samples = static_cast<int64_t>(rows.size()),
               .inputs = {},
               .targets = {}};
  for (const Column& input : from.inputs) {
    data.inputs.push_back(Rows(input, rows));
  }
  for (const Column& target : from.targets) {
    data.targets.push_back(Rows(target, rows));
  }
  return data;
}

}  // namespace

absl::Status HoldBack(double share, uint64_t seed, DataPair& data) {
  if (!(share > 0 && share < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--validation=", share,
                     " is not a share of the samples, 0 or more and below 1"));
  }
  const int64_t samples = data.train.samples;
  const int64_t held = std::llround(share * static_cast<double>(samples));
  if (held < 1 || held >= samples) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--validation=", share, " of ", samples, " training samples leaves ",
        held < 1 ? "none to judge by" : "none to train on"));
  }
  std::vector<uint32_t> rows(samples);
  std::iota(rows.begin(), rows.end(), 0);
  Random(seed, kStream).Shuffle(absl::MakeSpan(rows));
  std::sort(rows.begin(), rows.begin() + held);
  std::sort(rows.begin() + held, rows.end());
  const absl::Span<const uint32_t> order(rows);
  data.test = Rows(data.train, order.first(held));
  data.train = Rows(data.train, order.subspan(held));
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
