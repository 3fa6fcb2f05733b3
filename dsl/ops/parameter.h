// A trained tensor and how it starts.
#ifndef KILN_DSL_OPS_PARAMETER_H_
#define KILN_DSL_OPS_PARAMETER_H_

#include <string>

#include "dsl/initializer.h"
#include "dsl/op.h"

namespace kiln {

struct ParameterSpec {
  Shape shape;
  Initializer init;
  bool frozen = false;       // never updated; its gradient is not computed
  double lr_multiplier = 1;  // scales the learning rate for this tensor
  double weight_decay_multiplier = 1;  // scales the weight decay for it
};

class ParameterOp : public Op {
 public:
  explicit ParameterOp(ParameterSpec spec) : spec_(std::move(spec)) {}
  absl::string_view name() const override { return "parameter"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  const ParameterSpec& spec() const { return spec_; }

 private:
  ParameterSpec spec_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_PARAMETER_H_
