#include "dsl/activations.h"

namespace kiln {
namespace {

// e^x - 1 for x <= 0, and 0 above: 2 t / (1 - t) with t = tanh(x / 2). Near 0
// this keeps the digits that 1 cancels in e^x - 1. Min(0, x) in this order has
// the derivative 1 at 0.
ScalarExpr NegativeExpm1(const ScalarExpr& x) {
  const ScalarExpr t = Tanh(0.5 * Min(0, x));
  return 2 * t / (1 - t);
}

// x > 0 ? scale x : scale alpha (e^x - 1)
Activation ScaledElu(const std::string& name, double scale, double alpha) {
  const ScalarExpr x = Arg(0), y = Arg(0);
  Activation elu = {
      name, Select(Greater(x, 0), scale * x, scale * alpha * NegativeExpm1(x)),
      std::nullopt};
  if (alpha >= 0)
    elu.derivative_by_output = Select(Greater(y, 0), scale, y + scale * alpha);
  return elu;
}

// Klambauer et al., "Self-normalizing neural networks", 2017.
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

// sqrt(8 / pi): 1 + tanh(u) = 2 sigmoid(2 u).
constexpr double kGeluFactor = 1.5957691216057307117597842397375;

}  // namespace

std::vector<ScalarExpr> Activation::Partials() const {
  if (derivative_by_output)
    return {Substitute(*derivative_by_output, {Arg(1)})};
  if (derivative) return {*derivative};
  return {};
}

Activation LeakyReluActivation(double slope) {
  const ScalarExpr x = Arg(0), y = Arg(0);
  Activation leaky = {"leaky_relu", Select(Greater(x, 0), x, slope * x),
                      std::nullopt};
  if (slope >= 0) leaky.derivative_by_output = Select(Greater(y, 0), 1, slope);
  return leaky;
}

Activation EluActivation(double alpha) { return ScaledElu("elu", 1, alpha); }

const std::vector<Activation>& Activations() {
  static const ScalarExpr x = Arg(0), y = Arg(0);
  static const auto& table = *new std::vector<Activation>{
      {"tanh", Tanh(x), 1 - y * y},
      {"sigmoid", Sigmoid(x), y * (1 - y)},
      {"relu", Max(x, 0), Greater(y, 0)},
      {"identity", x, 1},
      LeakyReluActivation(0.01),
      EluActivation(1),
      ScaledElu("selu", kSeluScale, kSeluAlpha),
      {"softplus", Max(x, 0) + Log(1 + Exp(-Max(x, -x))), {}, Sigmoid(x)},
      {"gelu", x * Sigmoid(kGeluFactor * x * (1 + 0.044715 * x * x)), {}},
      {"silu", x * Sigmoid(x), {}},
  };
  return table;
}

const Activation* FindActivation(const std::string& name) {
  for (const Activation& activation : Activations()) {
    if (activation.name == name) return &activation;
  }
  return nullptr;
}

}  // namespace kiln
