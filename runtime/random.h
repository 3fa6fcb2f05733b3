#ifndef KILN_RUNTIME_RANDOM_H_
#define KILN_RUNTIME_RANDOM_H_

#include <array>
#include <cstdint>
#include <utility>

#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

// A seeded random generator whose numbers are the same bits on every machine
// and with every compiler: xoshiro256** (Blackman and Vigna, "Scrambled Linear
// Pseudorandom Number Generators", 2018), its state filled by splitmix64
// (Steele, Lea and Flood, 2014). Everything above the raw bits uses only
// operations that IEEE 754 rounds exactly (+ - * / sqrt), never libm's log or
// cos, whose last bit differs between libraries, and is compiled with
// -ffp-contract=off, so that no compiler makes an fma of a product and a sum.
//
// A value type: a copy continues with the same numbers.
class Random {
 public:
  using State = std::array<uint64_t, 4>;

  // Generators with the same seed and different streams are independent: give
  // each purpose (initialisation, shuffling, ...) its own stream, so that
  // drawing more for one does not change the other.
  explicit Random(uint64_t seed, uint64_t stream = 0);

  // The exact position in the sequence, to store in a checkpoint and to
  // continue from. An all-zero state is no state of the generator; it is
  // replaced by that of seed 0.
  explicit Random(const State& state);
  const State& state() const { return state_; }

  // 64 uniformly distributed bits.
  uint64_t Bits();

  // Uniform in [0, 1), a multiple of 2^-24.
  float Uniform();

  // Uniform in [low, high]; `high` itself only where rounding yields it.
  float Uniform(float low, float high);

  // Standard normal (mean 0, standard deviation 1), by Marsaglia's polar
  // method. It draws in pairs and discards the second, so that the state alone
  // is the position in the sequence.
  float Normal();

  // Uniform in [0, bound), without bias (Lemire's multiplication method).
  // Returns 0 for bound 0 and 1.
  uint32_t Below(uint32_t bound);

  // Fisher-Yates: every order is equally likely. At most 2^32 - 1 values.
  template <typename T>
  void Shuffle(absl::Span<T> values) {
    for (uint32_t left = static_cast<uint32_t>(values.size()); left > 1;
         --left) {
      std::swap(values[left - 1], values[Below(left)]);
    }
  }

 private:
  State state_;
};

// One step of splitmix64: advances `state`, returns 64 mixed bits.
uint64_t SplitMix64(uint64_t& state);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_RANDOM_H_
