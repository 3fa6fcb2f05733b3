#include "tests/ops/random_reference.h"

#include <cmath>

#include "dsl/ops/random.h"
#include "tests/ops/references.h"

namespace kiln {

// From the paper's description, with constants of its own, so that a change of
// the generators' shows.
std::pair<uint32_t, uint32_t> Philox2x32(uint32_t x, uint32_t y, uint32_t key) {
  for (int round = 0; round < 10; ++round) {
    if (round > 0) key += 2654435769u;  // the golden ratio's
    const uint64_t product = uint64_t{3528905107u} * x;
    x = static_cast<uint32_t>(product >> 32) ^ key ^ y;
    y = static_cast<uint32_t>(product);
  }
  return {x, y};
}

template <typename T>
void RandomReference(const ReferenceCall<T>& call) {
  const auto& op = call.template OpAs<RandomOp>();
  const Distribution& d = op.distribution();
  const uint32_t key =
      Philox2x32(call.values.seed, call.values.step, op.ordinal()).first;
  for (int64_t n = 0; n < call.batch(); ++n) {
    const auto& rows = call.values.rows;
    const auto row = static_cast<uint32_t>(rows.empty() ? n : rows[n]);
    for (int64_t i = 0; i < call.OutSize(); ++i) {
      const uint32_t bits =
          Philox2x32(row, static_cast<uint32_t>(i), key).first;
      if (d.kind == Distribution::Kind::kKeep) {
        const bool dropped = bits < std::round(d.a * 4294967296.0);
        call.Out(n)[i] = dropped ? T(0.0) : T(1 / (1 - d.a));
      } else {
        call.Out(n)[i] = T(d.a) + T((d.b - d.a) / 16777216.0) *
                                      T(static_cast<double>(bits / 256));
      }
    }
  }
}

KILN_INSTANTIATE_REFERENCE(RandomReference)

}  // namespace kiln
