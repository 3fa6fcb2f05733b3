// A trained tensor and how it starts.
#ifndef KILN_DSL_OPS_PARAMETER_H_
#define KILN_DSL_OPS_PARAMETER_H_

#include <string>
#include <utility>
#include <vector>

#include "dsl/op.h"

namespace kiln {

// The distribution a parameter is drawn from before training.
struct Initializer {
  enum class Kind { kConstant, kUniform, kNormal, kTruncatedNormal, kValues };
  Kind kind = Kind::kConstant;
  double a = 0;  // the constant, the lower end, or the mean
  double b = 0;  // the upper end, or the standard deviation (truncated: cut at
                 // two of them)
  std::vector<double> values = {};  // of kValues, row-major, one an element

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
  // These numbers: for nets so small that they are worked out on paper.
  static Initializer Values(std::vector<double> values) {
    return {Kind::kValues, 0, 0, std::move(values)};
  }
};

struct ParameterSpec {
  Shape shape;
  Initializer init;
  bool frozen = false;       // never updated; its gradient is not computed
  double lr_multiplier = 1;  // scales the learning rate for this tensor
};

class ParameterOp : public Op {
 public:
  explicit ParameterOp(ParameterSpec spec) : spec_(std::move(spec)) {}
  absl::string_view name() const override { return "parameter"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  const ParameterSpec& spec() const { return spec_; }

 private:
  ParameterSpec spec_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_PARAMETER_H_
