#include "runtime/random.h"

#include <bit>
#include <cmath>

namespace kiln {
inline namespace runtime {
namespace {

// Natural logarithm of a positive, normal x by 2 artanh((m - 1) / (m + 1)) for
// the mantissa m in [sqrt(1/2), sqrt(2)): the argument's square is below
// 0.0295, so the series' 12th term is below 1e-18. std::log would be more exact
// in the last bit, but not the same last bit everywhere.
double Log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  const double s2 = s * s;
  double series = 0;
  for (int k = 11; k >= 0; --k)
    series = std::fma(series, s2, 1.0 / (2 * k + 1));
  constexpr double kLn2 = 0.69314718055994531;
  return std::fma(exponent, kLn2, 2 * s * series);
}

Random::State SeededState(uint64_t seed, uint64_t stream) {
  // The seed is mixed before the stream is added: otherwise stream 1 of seed 0
  // and stream 0 of seed 1 would be the same.
  uint64_t mixer = seed;
  mixer = SplitMix64(mixer) + stream;
  Random::State state;
  for (uint64_t& word : state) word = SplitMix64(mixer);
  return state;
}

}  // namespace

uint64_t SplitMix64(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Random::Random(uint64_t seed, uint64_t stream)
    : state_(SeededState(seed, stream)) {}

Random::Random(const State& state)
    : state_(state == State{} ? SeededState(0, 0) : state) {}

uint64_t Random::Bits() {
  auto& [a, b, c, d] = state_;
  const uint64_t result = std::rotl(b * 5, 7) * 9;
  const uint64_t shifted = b << 17;
  c ^= a;
  d ^= b;
  b ^= c;
  a ^= d;
  c ^= shifted;
  d = std::rotl(d, 45);
  return result;
}

float Random::Uniform() {
  // The upper 24 bits: as many as a float's mantissa holds.
  return static_cast<float>(Bits() >> 40) * 0x1p-24f;
}

float Random::Uniform(float low, float high) {
  return low + (high - low) * Uniform();
}

float Random::Normal() {
  // A point uniform in the unit disc, by rejection (about 1.27 tries).
  while (true) {
    const double x = static_cast<double>(Bits() >> 11) * 0x1p-52 - 1;
    const double y = static_cast<double>(Bits() >> 11) * 0x1p-52 - 1;
    const double r2 = x * x + y * y;
    if (r2 >= 1 || r2 == 0) continue;
    return static_cast<float>(x * std::sqrt(-2 * Log(r2) / r2));
  }
}

uint32_t Random::Below(uint32_t bound) {
  if (bound < 2) return 0;
  // 2^32 is seldom a multiple of `bound`; the first 2^32 mod bound low halves
  // are rejected, so that each result has the same number of causes.
  const uint32_t rejected = -bound % bound;
  while (true) {
    const uint64_t product = (Bits() >> 32) * bound;
    if (static_cast<uint32_t>(product) >= rejected) {
      return static_cast<uint32_t>(product >> 32);
    }
  }
}

}  // namespace runtime
}  // namespace kiln
