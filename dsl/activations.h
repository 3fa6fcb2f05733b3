// The table of activations: each is a formula in Arg(0) = x and, where it has
// one, its derivative in terms of its output.
//
// What a derivative is at a kink is PyTorch's: relu 0; leaky_relu its slope;
// elu alpha; selu scale * alpha. NaN gives NaN.
#ifndef KILN_DSL_ACTIVATIONS_H_
#define KILN_DSL_ACTIVATIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "dsl/scalar_expr.h"

namespace kiln {

struct Activation {
  std::string name;
  ScalarExpr value;  // over Arg(0) = x
  std::optional<ScalarExpr>
      derivative_by_output;  // over Arg(0) = y; without it the derivative is
                             // `derivative`, or symbolic in x
  std::optional<ScalarExpr> derivative = std::nullopt;  // over Arg(0) = x

  // The derivative to declare to a PointwiseOp, over Arg(0) = x, Arg(1) = y;
  // none where it is symbolic.
  std::vector<ScalarExpr> Partials() const;
};

// One line an activation; the order is that of the documentation.
const std::vector<Activation>& Activations();

// The entry of that name, or nullptr.
const Activation* FindActivation(const std::string& name);

// x > 0 ? x : slope * x. With a negative slope the output does not tell the
// side: the derivative then reads x.
Activation LeakyReluActivation(double slope);

// x > 0 ? x : alpha * (e^x - 1); with a negative alpha as above.
Activation EluActivation(double alpha);

}  // namespace kiln

#endif  // KILN_DSL_ACTIVATIONS_H_
