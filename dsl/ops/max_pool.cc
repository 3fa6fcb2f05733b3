#include "dsl/ops/max_pool.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"
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

namespace {

// Where output y, x reads its element r, s of channel c.
std::string InputIndex(const PoolGeometry& g) {
  return absl::StrCat(
      "c,", WindowIndex("y", "r", g.stride.height, g.padding.height), ",",
      WindowIndex("x", "s", g.stride.width, g.padding.width));
}

// "max" or "argmax" of the window.
Math OverWindow(const FormulaScope& names, const PoolGeometry& g,
                const std::string& text, const std::string& latex) {
  const std::string read = absl::StrCat("$0[", InputIndex(g), "]");
  return names.Write(
      absl::StrCat("$out[c,y,x] = ", text, "_{r<", g.kernel.height, ",s<",
                   g.kernel.width, "} ", read),
      absl::StrCat("$out[c,y,x] = ", latex, "_{0\\le r<", g.kernel.height,
                   ",\\, 0\\le s<", g.kernel.width, "} ", read));
}

}  // namespace

Math MaxPoolOp::Formula(const FormulaScope& names) const {
  return OverWindow(names, geometry_, "max", "\\max");
}

Math MaxPoolIndexOp::Formula(const FormulaScope& names) const {
  // The place counts row by row.
  const std::string place = geometry_.kernel.width == 1
                                ? "r"
                                : absl::StrCat(geometry_.kernel.width, "r+s");
  return OverWindow(names, geometry_, absl::StrCat(place, " of the first max"),
                    absl::StrCat(place, "\\text{ of the first }\\max"));
}

Math MaxPoolGradOp::Formula(const FormulaScope& names) const {
  const Shape& in = names.InShape(0);
  const Math sum = SumOver({{"y", in[1]}, {"x", in[2]}});
  return names.Write(
      absl::StrCat("$out[c,i,j] = ", sum.text,
                   "[$0[c,y,x] points to i,j] * $1[c,y,x]"),
      absl::StrCat("$out[c,i,j] = ", sum.latex,
                   "\\left[$0[c,y,x]\\text{ points to }i,j\\right]\\, "
                   "$1[c,y,x]"));
}

}  // namespace kiln
