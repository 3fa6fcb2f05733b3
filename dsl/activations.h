// The table of activations: each is a formula in Arg(0) = x and, where it has
// one, its derivative in terms of its output.
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
                             // symbolic in x
};

// One line an activation; the order is that of the documentation.
const std::vector<Activation>& Activations();

// The entry of that name, or nullptr.
const Activation* FindActivation(const std::string& name);

}  // namespace kiln

#endif  // KILN_DSL_ACTIVATIONS_H_
