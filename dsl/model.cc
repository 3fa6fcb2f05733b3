#include "dsl/model.h"

#include <cctype>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"

namespace kiln {
namespace {

SourceLine ToSourceLine(const Where& where) {
  return {where.file_name(), static_cast<int>(where.line())};
}

// Names become C identifiers once '.' is '_'.
bool IsIdentifier(const std::string& name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])))
    return false;
  for (char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.')
      return false;
  }
  return true;
}

PoolGeometry Geometry(const PoolOptions& options) {
  return {options.kernel, options.stride.value_or(options.kernel),
          options.padding};
}

}  // namespace

void ModelBuilder::Fail(const Where& where, const std::string& name,
                        absl::string_view what) {
  status_.Update(absl::InvalidArgumentError(
      absl::StrCat(ErrorPrefix(ToSourceLine(where), name), what)));
}

bool ModelBuilder::CheckName(const std::string& name, const Where& where) {
  if (IsIdentifier(name)) return true;
  Fail(where, absl::StrCat("\"", name, "\""),
       "a name starts with a letter and has letters, digits, '_' and '.' only");
  return false;
}

Value ModelBuilder::Add(OpPtr op, std::vector<Value> inputs,
                        const std::string& name, const Where& where) {
  if (!status_.ok() || !CheckName(name, where)) return {};
  std::vector<NodeId> ids;
  for (Value input : inputs) {
    if (!Made(input)) {
      Fail(where, name, "reads a value that no layer of this model made");
      return {};
    }
    ids.push_back(input.id);
  }
  absl::StatusOr<NodeId> id =
      graph_.Add(std::move(op), std::move(ids), name, ToSourceLine(where));
  if (!id.ok()) {
    status_.Update(id.status());
    return {};
  }
  return {*id, this};
}

std::string ModelBuilder::AutoName(const std::string& kind) const {
  for (int number = 1;; ++number) {
    std::string name = absl::StrCat(kind, number);
    if (!graph_.HasName(name)) return name;
  }
}

TensorType ModelBuilder::TypeOf(Value value) const {
  return Made(value) ? graph_.node(value.id).type : TensorType{};
}

Value ModelBuilder::Input(const std::string& name, Shape shape,
                          InputFormat format, Where where) {
  if (!std::isfinite(format.scale))
    Fail(where, name, "the scale is not finite");
  return Add(std::make_shared<InputOp>(std::move(shape), format), {}, name,
             where);
}

Value ModelBuilder::Labels(const std::string& name, int64_t classes,
                           Where where) {
  return Add(TargetOp::Class(classes), {}, name, where);
}

Value ModelBuilder::Target(const std::string& name, Shape shape, Where where) {
  return Add(TargetOp::Value(std::move(shape)), {}, name, where);
}

Value ModelBuilder::Parameter(const std::string& name, ParameterSpec spec,
                              Where where) {
  if (spec.shape.size() > 0 && spec.init.IsRule() &&
      CheckShape(spec.shape).ok()) {
    absl::StatusOr<Initializer> init = spec.init.ResolvedFor(spec.shape);
    if (!init.ok()) {
      Fail(where, name, init.status().message());
      return {};
    }
    spec.init = *init;
  }
  return Add(std::make_shared<ParameterOp>(std::move(spec)), {}, name, where);
}

template <typename LayerOptions>
void ModelBuilder::AddWeights(const std::string& name, const Shape& shape,
                              const LayerOptions& o, std::vector<Value>* inputs,
                              const Where& where) {
  double area = 1;
  for (size_t i = 2; i < shape.size(); ++i)
    area *= static_cast<double>(shape[i]);
  const double fan_in = area * static_cast<double>(shape[1]),
               fan_out = area * static_cast<double>(shape[0]);
  const double bound = 1 / std::sqrt(fan_in);
  auto add = [&](const char* role, Shape of,
                 const std::optional<Initializer>& init, double decay) {
    const Initializer start =
        init.value_or(Initializer::Uniform(-bound, bound));
    inputs->push_back(Parameter(absl::StrCat(name, role),
                                {std::move(of), start.Resolved(fan_in, fan_out),
                                 o.frozen, o.lr_multiplier, decay},
                                where));
  };
  add(".weight", shape, o.weight_init, o.weight_decay_multiplier);
  if (!o.bias) return;
  add(".bias", {shape[0]}, o.bias_init,
      o.bias_weight_decay_multiplier.value_or(o.weight_decay_multiplier));
  if (o.bias_weight_decay_multiplier.has_value())
    own_decay_.push_back(absl::StrCat(name, ".bias"));
}

Value ModelBuilder::Conv2d(const std::string& name, Value input,
                           const Conv2dOptions& o, Where where) {
  const Shape shape = TypeOf(input).shape;
  if (!status_.ok() || !CheckName(name, where)) return {};
  if (shape.size() != 3) {
    // The op itself says what is wrong with the input; a weight of a made-up
    // channel count serves it.
    return Add(std::make_shared<Conv2dOp>(Conv2dGeometry{}), {input, input},
               name, where);
  }
  if (o.out_channels < 1)
    Fail(where, name,
         absl::StrCat("out_channels is ", o.out_channels,
                      ", must be 1 or more"));
  if (absl::Status status = CheckShape(
          {o.out_channels, shape[0], o.kernel.height, o.kernel.width});
      !status.ok() && status_.ok()) {
    Fail(where, name, absl::StrCat("the weight's ", status.message()));
  }
  if (!status_.ok()) return {};
  std::vector<Value> inputs = {input};
  AddWeights(name, {o.out_channels, shape[0], o.kernel.height, o.kernel.width},
             o, &inputs, where);
  return Add(
      std::make_shared<Conv2dOp>(Conv2dGeometry{o.kernel, o.stride, o.padding}),
      inputs, name, where);
}

Value ModelBuilder::Dense(const std::string& name, Value input,
                          const DenseOptions& o, Where where) {
  const Shape shape = TypeOf(input).shape;
  if (!status_.ok() || !CheckName(name, where)) return {};
  if (shape.size() != 1)
    return Add(std::make_shared<DenseOp>(), {input, input}, name, where);
  if (o.out < 1) {
    Fail(where, name, absl::StrCat("out is ", o.out, ", must be 1 or more"));
    return {};
  }
  std::vector<Value> inputs = {input};
  AddWeights(name, {o.out, shape[0]}, o, &inputs, where);
  return Add(std::make_shared<DenseOp>(), inputs, name, where);
}

Value ModelBuilder::MaxPool(Value input, const PoolOptions& options,
                            Where where) {
  return Add(std::make_shared<MaxPoolOp>(Geometry(options)), {input},
             AutoName("pool"), where);
}

Value ModelBuilder::AvgPool(Value input, const PoolOptions& options,
                            Where where) {
  return Add(std::make_shared<AvgPoolOp>(Geometry(options)), {input},
             AutoName("pool"), where);
}

Value ModelBuilder::Pad(Value input, Size2 padding, Where where) {
  return Add(std::make_shared<PadOp>(padding), {input}, AutoName("pad"), where);
}

Value ModelBuilder::Flatten(Value input, Where where) {
  return Add(
      std::make_shared<ReshapeOp>(Shape{ElementCount(TypeOf(input).shape)}),
      {input}, AutoName("flatten"), where);
}

Value ModelBuilder::Pointwise(const std::string& label,
                              const std::vector<Value>& inputs,
                              ScalarExpr value,
                              std::vector<ScalarExpr> partials, Where where) {
  return Add(std::make_shared<PointwiseOp>(label, std::move(value),
                                           std::move(partials)),
             inputs, AutoName(label), where);
}

Value ModelBuilder::Apply(const std::string& kind, OpPtr op,
                          const std::vector<Value>& inputs, Where where) {
  return Add(std::move(op), inputs, AutoName(kind), where);
}

}  // namespace kiln
