// How a parameter starts: a distribution, or a rule that becomes one when the
// layer knows its fan-in and fan-out.
#ifndef KILN_DSL_INITIALIZER_H_
#define KILN_DSL_INITIALIZER_H_

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "dsl/type.h"

namespace kiln {

// The distribution a parameter is drawn from before training.
//
// The rules are PyTorch's torch.nn.init (mode "fan_in"): each has a variance,
// and is drawn uniformly from [-sqrt(3 v), sqrt(3 v)) or normally with the
// standard deviation sqrt(v).
//
//   Kaiming  v = gain^2 / fan_in              He et al., 2015
//   Xavier   v = gain^2 2 / (fan_in + fan_out)  Glorot and Bengio, 2010
//   LeCun    v = 1 / fan_in                   LeCun et al., 1998
//
// fan_in counts what one output reads (a convolution: channels times kernel),
// fan_out what reads one input. A layer's bias has the fans of its weight.
struct Initializer {
  enum class Kind {
    kConstant,
    kUniform,
    kNormal,
    kTruncatedNormal,
    kKaimingUniform,
    kKaimingNormal,
    kXavierUniform,
    kXavierNormal,
    kLeCunUniform,
    kLeCunNormal,
  };
  Kind kind = Kind::kConstant;
  double a = 0;  // the constant, the lower end, the mean, or a rule's gain
  double b = 0;  // the upper end, or the standard deviation (truncated: cut at
                 // two of them)

  static Initializer Constant(double value) {
    return {Kind::kConstant, value, 0};
  }
  static Initializer Uniform(double low, double high) {
    return {Kind::kUniform, low, high};
  }
  static Initializer Normal(double mean, double stddev) {
    return {Kind::kNormal, mean, stddev};
  }
  static Initializer TruncatedNormal(double mean, double stddev) {
    return {Kind::kTruncatedNormal, mean, stddev};
  }

  // The gain that keeps the variance through a ReLU, or through a leaky ReLU
  // of this slope: sqrt(2 / (1 + slope^2)).
  static double ReluGain(double slope = 0) {
    return std::sqrt(2 / (1 + slope * slope));
  }
  static Initializer KaimingUniform(double gain = ReluGain()) {
    return {Kind::kKaimingUniform, gain, 0};
  }
  static Initializer KaimingNormal(double gain = ReluGain()) {
    return {Kind::kKaimingNormal, gain, 0};
  }
  static Initializer XavierUniform(double gain = 1) {
    return {Kind::kXavierUniform, gain, 0};
  }
  static Initializer XavierNormal(double gain = 1) {
    return {Kind::kXavierNormal, gain, 0};
  }
  static Initializer LeCunUniform() { return {Kind::kLeCunUniform, 1, 0}; }
  static Initializer LeCunNormal() { return {Kind::kLeCunNormal, 1, 0}; }

  bool IsRule() const { return kind >= Kind::kKaimingUniform; }

  // The uniform or normal distribution that a rule is for these fans; what is
  // no rule stays as it is. REQUIRES: fans of 1 or more.
  Initializer Resolved(double fan_in, double fan_out) const;

  // The same with the fans of a weight of this shape, [out, in, ...]. Fails for
  // a rule where the shape has fewer than two dimensions.
  absl::StatusOr<Initializer> ResolvedFor(const Shape& shape) const;
};

// "uniform(-0.5,0.5)", for dumps.
std::string InitializerString(const Initializer& init);

}  // namespace kiln

#endif  // KILN_DSL_INITIALIZER_H_
