// Formulas of nodes for people, as text and as LaTeX: what `explain` prints.
//
// A symbol is what a node is called in both. In LaTeX a parameter fc1.weight is
// W^{fc1}, the loss is L, and a node that holds the adjoint of h1 is the
// derivative of L by h1; every other node has its name.
#ifndef KILN_DSL_FORMULA_H_
#define KILN_DSL_FORMULA_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dsl/differentiate.h"
#include "dsl/graph.h"
#include "dsl/scalar_expr.h"

namespace kiln {

// A piece of a formula in both notations.
struct Math {
  std::string text;
  std::string latex;
};

// What a node is called. `latex` has a '#' where a subscript would stand.
struct Symbol {
  std::string text;
  std::string latex;
};

// The symbols of a graph's nodes, by id. `adjoints` as Differentiate gives
// them; empty for a graph without a backward pass.
std::vector<Symbol> NameSymbols(const Graph& graph, const Adjoints& adjoints);

// How an op's formula names the node and its inputs.
class FormulaScope {
 public:
  // `symbols` as NameSymbols gives them; both outlive the scope.
  FormulaScope(const Graph& graph, NodeId node,
               const std::vector<Symbol>& symbols)
      : graph_(graph), node_(graph.node(node)), symbols_(symbols), id_(node) {}

  int input_count() const { return static_cast<int>(node_.inputs.size()); }
  const Shape& OutShape() const { return node_.type.shape; }
  const Shape& InShape(int i) const {
    return graph_.node(node_.inputs[i]).type.shape;
  }
  Math Out() const;
  Math In(int i) const;

  // The formula, from one template for each notation. "$out" and "$0", "$1",
  // ... stand for the symbols of the node and its inputs, with an index or
  // without: "$out[o] = $1[o,i] * $0[i]".
  Math Write(absl::string_view text, absl::string_view latex) const;

 private:
  std::string Expand(absl::string_view pattern, bool latex) const;

  const Graph& graph_;
  const Node& node_;
  const std::vector<Symbol>& symbols_;
  NodeId id_;
};

// The formula of a node, by its op.
Math FormulaOf(const Graph& graph, NodeId node,
               const std::vector<Symbol>& symbols);

// What an op without a formula of its own gets: "out = conv2d(x, w) stride=1".
Math GenericFormula(const Op& op, const FormulaScope& names);

// "sum_{i<4,j<5}" and its LaTeX: over indices from 0 to below their extents.
using Index = std::pair<std::string, int64_t>;
Math SumOver(const std::vector<Index>& indices);

// "i", "k,c,r,s", ...: the customary indices of a tensor of this shape; "" for
// a scalar.
std::string IndexOf(const Shape& shape);

// "2*y+r-1": where element r of window y is read.
std::string WindowIndex(const std::string& window, const std::string& element,
                        int64_t stride, int64_t padding);

// The expression over arguments that are called `args`. One with hundreds of
// operations is "label(args)" instead.
Math Render(const ScalarExpr& e, absl::Span<const Math> args,
            const std::string& label);

// "%.9g" without what floating point adds: 0.1 is 0.1.
std::string NumberText(double value);

}  // namespace kiln

#endif  // KILN_DSL_FORMULA_H_
