// Layers that training and evaluation compute differently.
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/model.h"
#include "dsl/ops/batch_norm.h"
#include "dsl/ops/pointwise.h"

namespace kiln {

Value ModelBuilder::AddRandom(const std::string& kind, const std::string& role,
                              Value input, const Distribution& distribution,
                              const ScalarExpr& formula, const Where& where) {
  if (!status_.ok()) return {};
  const std::string name = AutoName(kind);
  if (!Made(input)) {
    return Add(std::make_shared<PointwiseOp>(kind, Arg(0)), {input}, name,
               where);
  }
  const TensorType type = TypeOf(input);
  if (!type.per_sample || type.dtype != DType::kFloat32) {
    Fail(where, name,
         absl::StrCat("needs float values per sample, not ", TypeString(type)));
    return {};
  }
  const Value random =
      Add(std::make_shared<RandomOp>(type.shape, distribution, ++randoms_), {},
          absl::StrCat(name, ".", role), where);
  return Add(std::make_shared<PointwiseOp>(kind, formula), {input, random},
             name, where);
}

Value ModelBuilder::Dropout(Value input, double rate, Where where) {
  return AddRandom("dropout", "mask", input, Distribution::Keep(rate),
                   Arg(0) * Arg(1), where);
}

Value ModelBuilder::RRelu(Value input, double lower, double upper,
                          Where where) {
  return AddRandom("rrelu", "slope", input, Distribution::Uniform(lower, upper),
                   Select(Greater(Arg(0), 0), Arg(0), Arg(0) * Arg(1)), where);
}

Value ModelBuilder::BatchNorm(const std::string& name, Value input,
                              const BatchNormOptions& o, Where where) {
  const TensorType type = TypeOf(input);
  if (!status_.ok() || !CheckName(name, where)) return {};
  if (!Made(input) || type.shape.empty()) {
    // The op says what is wrong with the input.
    return Add(std::make_shared<BatchNormOp>(o.eps), {input, input, input},
               name, where);
  }
  if (!(o.momentum >= 0 && o.momentum <= 1)) {
    Fail(
        where, name,
        absl::StrFormat("momentum is %g, must be between 0 and 1", o.momentum));
    return {};
  }
  const Shape channels = {type.shape[0]};
  const int64_t area = ElementCount(type.shape) / type.shape[0];
  auto parameter = [&](const char* role, double value) {
    return Parameter(
        absl::StrCat(name, ".", role),
        {channels, Initializer::Constant(value), o.frozen, o.lr_multiplier},
        where);
  };
  auto buffer = [&](const char* role, double value) {
    ParameterSpec spec{channels, Initializer::Constant(value)};
    spec.frozen = spec.buffer = true;
    return Parameter(absl::StrCat(name, ".", role), spec, where);
  };
  auto add = [&](const char* role, OpPtr op, std::vector<Value> inputs) {
    return Add(std::move(op), std::move(inputs), absl::StrCat(name, ".", role),
               where);
  };
  std::vector<Value> affine;
  if (o.affine) affine = {parameter("weight", 1), parameter("bias", 0)};
  const Value running_mean = buffer("running_mean", 0),
              running_var = buffer("running_var", 1);
  const Value mean =
      add("mean", std::make_shared<BatchMeanOp>(), {input, running_mean});
  const Value variance = add("var", std::make_shared<BatchVarianceOp>(),
                             {input, mean, running_var});
  std::vector<Value> inputs = {input, mean, variance};
  inputs.insert(inputs.end(), affine.begin(), affine.end());
  const Value result =
      Add(std::make_shared<BatchNormOp>(o.eps), inputs, name, where);

  const ScalarExpr average = (1 - o.momentum) * Arg(0) + o.momentum * Arg(1);
  const Value unbiased = add(
      "unbiased_var", std::make_shared<UnbiasedVarianceOp>(area), {variance});
  for (const auto& [role, old, now] :
       {std::tuple{"running_mean", running_mean, mean},
        {"running_var", running_var, unbiased}}) {
    const Value next = add(
        absl::StrCat("next_", role).c_str(),
        std::make_shared<PointwiseOp>("running_average", average), {old, now});
    if (!status_.ok()) return {};
    graph_.AddOutput(OutputKind::kState, absl::StrCat(name, ".", role),
                     next.id);
  }
  return result;
}

}  // namespace kiln
