// Pointwise layers of random models: activations and user-written formulas.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_POINTWISE_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_POINTWISE_H_

#include <vector>

#include "dsl/ops/pointwise.h"
#include "tests/support/random_graph/draft.h"

namespace kiln::random_graph {

// A user-written pointwise op.
struct Formula {
  ScalarExpr value = 0;
  std::vector<ScalarExpr> partials = {};
};

// A formula that every one of its arguments influences.
Formula AnyFormula(Draft& draft, int arity);

int ApplyFormula(Draft& draft, const Formula& formula,
                 const std::vector<int>& items);
int ApplyAnyFormula(Draft& draft, int item);

// One learned slope. REQUIRES: the item's sign is kMixed; the slope of values
// of one sign might have no gradient.
int AddPrelu(Draft& draft, int item);

int Activate(Draft& draft, int item);

// Dropout or a random slope.
int AddRandomLayer(Draft& draft, int item);

// The same layer on two items that are the same. REQUIRES: there are some.
void AddTwin(Draft& draft);

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_POINTWISE_H_
