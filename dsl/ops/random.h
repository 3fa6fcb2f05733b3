// Random numbers that differ in every training step: the source that dropout
// and random slopes read.
#ifndef KILN_DSL_OPS_RANDOM_H_
#define KILN_DSL_OPS_RANDOM_H_

#include <cstdint>
#include <string>

#include "dsl/op.h"

namespace kiln {

// What the numbers are drawn from.
struct Distribution {
  enum class Kind { kKeep, kUniform };
  Kind kind = Kind::kUniform;
  double a = 0;  // kKeep: the rate; kUniform: the lower end
  double b = 1;  // kUniform: the upper end

  // 0 with probability `rate`, else 1 / (1 - rate): the mean is 1.
  static Distribution Keep(double rate) { return {Kind::kKeep, rate, 0}; }
  // [low, high), in steps of (high - low) / 2^24.
  static Distribution Uniform(double low, double high) {
    return {Kind::kUniform, low, high};
  }
  double Mean() const { return kind == Kind::kKeep ? 1 : (a + b) / 2; }
};

// A tensor of random numbers per sample. An element's number is a function of
// the seed and the step of a pipeline's call, the row of the data set that the
// lane reads, `ordinal` (which tells the random tensors of a model apart) and
// the element's row-major index, and of nothing else: neither the block nor
// the lane nor other layers change a bit of it.
//
// It starts from 32 random bits, by Philox2x32-10 (Salmon, Moraes, Dror, Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", 2011), whose first word is
// Philox(counter, key):
//   bits = Philox({row, element}, Philox({seed, step}, ordinal)).
// kKeep: 0 where bits < rate 2^32. kUniform: low + (high - low) (bits / 2^8,
// rounded down) / 2^24.
class RandomOp : public Op {
 public:
  RandomOp(Shape shape, Distribution distribution, uint32_t ordinal)
      : shape_(std::move(shape)),
        distribution_(distribution),
        ordinal_(ordinal) {}
  absl::string_view name() const override { return "random"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;

  const Distribution& distribution() const { return distribution_; }
  uint32_t ordinal() const { return ordinal_; }

 private:
  Shape shape_;
  Distribution distribution_;
  uint32_t ordinal_;
};

// Philox2x32: each of ten rounds multiplies one word, and swaps; the key grows
// by the second constant between rounds.
inline constexpr int kPhiloxRounds = 10;
inline constexpr uint32_t kPhiloxMultiplier = 0xd256d193;
inline constexpr uint32_t kPhiloxWeyl = 0x9e3779b9;

// The bits below which kKeep drops: rate 2^32, rounded. REQUIRES: 0 <= rate
// < 1.
uint32_t DropThreshold(double rate);

}  // namespace kiln

#endif  // KILN_DSL_OPS_RANDOM_H_
