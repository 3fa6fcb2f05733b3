#include "dsl/ops/expand.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sum.h"

namespace kiln {

absl::StatusOr<TensorType> ExpandOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (inputs[0] != TensorType{{1}, DType::kFloat32, false}) {
    return absl::InvalidArgumentError(
        absl::StrCat("only a parameter of shape 1 is expanded, not ",
                     TypeString(inputs[0])));
  }
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  return TensorType{shape_, DType::kFloat32, true};
}

void ExpandOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  // Over the elements of each sample, then over the samples.
  const NodeId sum = gradient.Add(std::make_shared<SumOp>(),
                                  {gradient.output_gradient()}, "d_input_sum");
  const NodeId vector = gradient.Add(std::make_shared<ReshapeOp>(Shape{1}),
                                     {sum}, "d_input_vector");
  gradient.Set(
      0, gradient.Add(std::make_shared<BatchSumOp>(), {vector}, "d_input"));
}

}  // namespace kiln
