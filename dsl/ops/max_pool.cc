#include "dsl/ops/max_pool.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/window.h"

namespace kiln {

std::string PoolGeometry::ToString() const {
  return absl::StrCat("kernel=", SizeString(kernel),
                      " stride=", SizeString(stride),
                      " padding=", SizeString(padding));
}

absl::StatusOr<TensorType> PoolType(const PoolGeometry& geometry,
                                    const TensorType& input) {
  if (absl::Status status = CheckImage("pooling", input); !status.ok())
    return status;
  absl::StatusOr<Shape> shape = WindowShape(input.shape, geometry.kernel,
                                            geometry.stride, geometry.padding);
  if (!shape.ok()) return shape.status();
  // More padding would make windows that hold nothing else.
  if (2 * geometry.padding.height > geometry.kernel.height ||
      2 * geometry.padding.width > geometry.kernel.width) {
    return absl::InvalidArgumentError(absl::StrCat(
        "padding ", SizeString(geometry.padding),
        " is more than half the kernel ", SizeString(geometry.kernel)));
  }
  const int64_t window = geometry.kernel.height * geometry.kernel.width;
  if (absl::Status status = CheckWork(ElementCount(*shape), window);
      !status.ok())
    return status;
  return TensorType{*shape, DType::kFloat32, true};
}

absl::StatusOr<TensorType> MaxPoolOp::InferType(
    absl::Span<const TensorType> inputs) const {
  return PoolType(geometry_, inputs[0]);
}

void MaxPoolOp::BuildGradient(GradientBuilder& gradient) const {
  if (!gradient.Needs(0)) return;
  const NodeId input = gradient.input(0);
  const NodeId index = gradient.Add(std::make_shared<MaxPoolIndexOp>(geometry_),
                                    {input}, "index");
  auto op =
      std::make_shared<MaxPoolGradOp>(geometry_, gradient.TypeOf(input).shape);
  gradient.Set(
      0, gradient.Add(op, {index, gradient.output_gradient()}, "d_input"));
}

FlopCount MaxPoolOp::Flops(absl::Span<const TensorType>,
                           const TensorType& output) const {
  return {ElementCount(output.shape) *
              (geometry_.kernel.height * geometry_.kernel.width - 1),
          0};
}

absl::StatusOr<TensorType> MaxPoolIndexOp::InferType(
    absl::Span<const TensorType> inputs) const {
  absl::StatusOr<TensorType> type = PoolType(geometry_, inputs[0]);
  if (type.ok()) type->dtype = DType::kInt32;
  return type;
}

FlopCount MaxPoolIndexOp::Flops(absl::Span<const TensorType>,
                                const TensorType& output) const {
  return {ElementCount(output.shape) *
              (geometry_.kernel.height * geometry_.kernel.width - 1),
          0};
}

std::string MaxPoolGradOp::Attributes() const {
  return absl::StrCat(geometry_.ToString(),
                      " input=", ShapeString(input_shape_));
}

absl::StatusOr<TensorType> MaxPoolGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const TensorType input{input_shape_, DType::kFloat32, true};
  absl::StatusOr<TensorType> output = PoolType(geometry_, input);
  if (!output.ok()) return output.status();
  if (inputs[0].shape != output->shape || inputs[0].dtype != DType::kInt32 ||
      inputs[1] != *output) {
    return absl::InvalidArgumentError(
        "the adjoint does not belong to the pooled image");
  }
  return input;
}

FlopCount MaxPoolGradOp::Flops(absl::Span<const TensorType> inputs,
                               const TensorType&) const {
  return {ElementCount(inputs[1].shape), 0};
}

}  // namespace kiln
