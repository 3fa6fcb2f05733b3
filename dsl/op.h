// The interface of an operation: its type rule, its gradient and its cost. Ops
// are immutable and shared between graphs.
#ifndef KILN_DSL_OP_H_
#define KILN_DSL_OP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dsl/type.h"

namespace kiln {

class FormulaScope;
class GradientBuilder;
struct Math;
using NodeId = int;

// FLOPs of one sample.
struct FlopCount {
  int64_t all = 0;  // every arithmetic operation: a dot product of n costs 2n -
                    // 1, a maximum of n values n - 1
  int64_t useful = 0;  // 2 per multiply-add of a convolution or dense layer,
                       // nothing else: what benchmarks quote
};

// How many inputs an op takes.
struct InputCount {
  int least = 1;
  int most = 1;
};

class Op {
 public:
  virtual ~Op() = default;

  // The op's name in dumps and registries: "conv2d".
  virtual absl::string_view name() const = 0;

  // Its attributes in a fixed order, "kernel=5x5 stride=1x1"; with name() and
  // inputs this decides equality of nodes.
  virtual std::string Attributes() const { return ""; }

  virtual InputCount Inputs() const { return {1, 1}; }

  // The output type, or why these inputs are wrong (a phrase that follows
  // "file:line: layer: "). REQUIRES: as many inputs as Inputs() says, which the
  // graph checks.
  virtual absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const = 0;

  // The vector-Jacobian product: given the adjoint of the output, adds nodes
  // that compute the adjoint of each input for which `gradient.Needs(i)`, and
  // reports them by `gradient.Set(i, node)`. An op whose output is piecewise
  // constant or integer (accuracy, labels) leaves this empty: nothing flows
  // through it.
  virtual void BuildGradient(GradientBuilder& gradient) const;

  virtual FlopCount Flops(absl::Span<const TensorType> inputs,
                          const TensorType& output) const;

  // What the node computes of one sample, as an equation for people
  // (formula.h). The default, "out = name(inputs) with attributes", is for ops
  // that only tests have.
  virtual Math Formula(const FormulaScope& names) const;
};

using OpPtr = std::shared_ptr<const Op>;

}  // namespace kiln

#endif  // KILN_DSL_OP_H_
