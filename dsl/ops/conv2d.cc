#include "dsl/ops/conv2d.h"

#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/formula.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/window.h"

namespace kiln {
namespace {

// Multiply-adds of a convolution with this weight and output: one per weight
// and output position.
int64_t MultiplyAdds(const Shape& weight, const Shape& output) {
  return ElementCount(weight) * output[1] * output[2];
}

// Where output y, x reads its element r, s of channel c.
std::string InputIndex(const Conv2dGeometry& g) {
  return absl::StrCat(
      "c,", WindowIndex("y", "r", g.stride.height, g.padding.height), ",",
      WindowIndex("x", "s", g.stride.width, g.padding.width));
}

const char* OutsideNote(const Conv2dGeometry& g) {
  return g.padding == Size2(0) ? "" : ", the input being 0 outside";
}

}  // namespace

std::string Conv2dGeometry::ToString() const {
  return absl::StrCat("kernel=", SizeString(kernel),
                      " stride=", SizeString(stride),
                      " padding=", SizeString(padding));
}

absl::StatusOr<TensorType> Conv2dOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const TensorType& input = inputs[0];
  const Shape& weight = inputs[1].shape;
  if (absl::Status status = CheckImage("a convolution", input); !status.ok())
    return status;
  if (weight.size() != 4 || inputs[1].per_sample ||
      weight[2] != geometry_.kernel.height ||
      weight[3] != geometry_.kernel.width) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the weight ", ShapeString(weight), " is not {out, in, ",
        geometry_.kernel.height, ", ", geometry_.kernel.width, "}"));
  }
  if (weight[1] != input.shape[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("the weight expects ", weight[1],
                     " channels, the input has ", input.shape[0]));
  }
  if (inputs.size() > 2 &&
      (inputs[2].shape != Shape{weight[0]} || inputs[2].per_sample)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the bias is ", ShapeString(inputs[2].shape), ", not ", weight[0]));
  }
  absl::StatusOr<Shape> output = WindowShape(
      input.shape, geometry_.kernel, geometry_.stride, geometry_.padding);
  if (!output.ok()) return output.status();
  if (absl::Status status =
          CheckWork((*output)[1] * (*output)[2], ElementCount(weight));
      !status.ok())
    return status;
  return TensorType{
      {weight[0], (*output)[1], (*output)[2]}, DType::kFloat32, true};
}

void Conv2dOp::BuildGradient(GradientBuilder& gradient) const {
  const NodeId input = gradient.input(0), weight = gradient.input(1),
               d_output = gradient.output_gradient();
  if (gradient.Needs(1)) {
    gradient.Set(1,
                 gradient.Add(std::make_shared<Conv2dWeightGradOp>(geometry_),
                              {input, d_output}, "d_weight"));
  }
  const bool has_bias = gradient.input_count() > 2;
  if (has_bias && gradient.Needs(2)) {
    gradient.Set(
        2, gradient.Add(std::make_shared<BatchSumOp>(), {d_output}, "d_bias"));
  }
  if (gradient.Needs(0)) {
    auto op = std::make_shared<Conv2dInputGradOp>(geometry_,
                                                  gradient.TypeOf(input).shape);
    gradient.Set(0, gradient.Add(op, {d_output, weight}, "d_input"));
  }
}

FlopCount Conv2dOp::Flops(absl::Span<const TensorType> inputs,
                          const TensorType& output) const {
  const int64_t multiply_adds = MultiplyAdds(inputs[1].shape, output.shape);
  const int64_t additions_saved =
      inputs.size() > 2
          ? 0
          : ElementCount(output.shape);  // no bias: n - 1 additions
  return {2 * multiply_adds - additions_saved, 2 * multiply_adds};
}

std::string Conv2dInputGradOp::Attributes() const {
  return absl::StrCat(geometry_.ToString(),
                      " input=", ShapeString(input_shape_));
}

absl::StatusOr<TensorType> Conv2dInputGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const Shape& d_output = inputs[0].shape;
  const Shape& weight = inputs[1].shape;
  const TensorType input{input_shape_, DType::kFloat32, true};
  if (absl::Status status = CheckImage("a convolution's gradient", input);
      !status.ok()) {
    return status;
  }
  absl::StatusOr<Shape> output = WindowShape(
      input_shape_, geometry_.kernel, geometry_.stride, geometry_.padding);
  if (!output.ok()) return output.status();
  if (weight.size() != 4 ||
      d_output != Shape{weight[0], (*output)[1], (*output)[2]} ||
      weight[1] != input_shape_[0] || weight[2] != geometry_.kernel.height ||
      weight[3] != geometry_.kernel.width) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the adjoint ", ShapeString(d_output), " and weight ",
        ShapeString(weight), " do not give ", ShapeString(input_shape_)));
  }
  return input;
}

FlopCount Conv2dInputGradOp::Flops(absl::Span<const TensorType> inputs,
                                   const TensorType&) const {
  const int64_t flops = 2 * MultiplyAdds(inputs[1].shape, inputs[0].shape);
  return {flops, flops};
}

absl::StatusOr<TensorType> Conv2dWeightGradOp::InferType(
    absl::Span<const TensorType> inputs) const {
  const Shape& input = inputs[0].shape;
  const Shape& d_output = inputs[1].shape;
  if (absl::Status status = CheckImage("a convolution's gradient", inputs[0]);
      !status.ok()) {
    return status;
  }
  absl::StatusOr<Shape> output =
      WindowShape(input, geometry_.kernel, geometry_.stride, geometry_.padding);
  if (!output.ok()) return output.status();
  if (d_output.size() != 3 || d_output[1] != (*output)[1] ||
      d_output[2] != (*output)[2]) {
    return absl::InvalidArgumentError(
        absl::StrCat("the adjoint ", ShapeString(d_output),
                     " does not belong to input ", ShapeString(input)));
  }
  return TensorType{
      {d_output[0], input[0], geometry_.kernel.height, geometry_.kernel.width},
      DType::kFloat32,
      false};
}

FlopCount Conv2dWeightGradOp::Flops(absl::Span<const TensorType> inputs,
                                    const TensorType& output) const {
  const int64_t flops = 2 * MultiplyAdds(output.shape, inputs[1].shape);
  return {flops, flops};
}

Math Conv2dOp::Formula(const FormulaScope& names) const {
  const Shape& weight = names.InShape(1);
  const Math sum =
      SumOver({{"c", weight[1]}, {"r", weight[2]}, {"s", weight[3]}});
  const std::string read = absl::StrCat("$0[", InputIndex(geometry_), "]");
  const char* bias = names.input_count() > 2 ? " + $2[k]" : "";
  return names.Write(
      absl::StrCat("$out[k,y,x] = ", sum.text, "$1[k,c,r,s] * ", read, bias,
                   OutsideNote(geometry_)),
      absl::StrCat("$out[k,y,x] = ", sum.latex, "$1[k,c,r,s]\\, ", read, bias));
}

Math Conv2dInputGradOp::Formula(const FormulaScope& names) const {
  const Shape& weight = names.InShape(1);
  const Math sum =
      SumOver({{"k", weight[0]}, {"r", weight[2]}, {"s", weight[3]}});
  // The position of the output that read input i as its element r.
  auto index = [](const char* i, const char* r, int64_t stride,
                  int64_t padding) {
    const std::string shifted =
        absl::StrCat(i, padding == 0 ? "" : absl::StrCat("+", padding), "-", r);
    return stride == 1 ? shifted : absl::StrCat("(", shifted, ")/", stride);
  };
  const Conv2dGeometry& g = geometry_;
  const std::string read =
      absl::StrCat("$0[k,", index("i", "r", g.stride.height, g.padding.height),
                   ",", index("j", "s", g.stride.width, g.padding.width), "]");
  return names.Write(
      absl::StrCat("$out[c,i,j] = ", sum.text, "$1[k,c,r,s] * ", read,
                   ", of the indices that are whole and inside"),
      absl::StrCat("$out[c,i,j] = ", sum.latex, "$1[k,c,r,s]\\, ", read));
}

Math Conv2dWeightGradOp::Formula(const FormulaScope& names) const {
  const Shape& output = names.InShape(1);
  const Math sum = SumOver({{"y", output[1]}, {"x", output[2]}});
  const std::string read = absl::StrCat("$0[", InputIndex(geometry_), "]");
  return names.Write(
      absl::StrCat("$out[k,c,r,s] = ", sum.text, "$1[k,y,x] * ", read,
                   OutsideNote(geometry_)),
      absl::StrCat("$out[k,c,r,s] = ", sum.latex, "$1[k,y,x]\\, ", read));
}

}  // namespace kiln
