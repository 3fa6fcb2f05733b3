// The switch that breaks gradient rules: differentiated graphs in which one
// node, that an op's BuildGradient added, is wrong.
#ifndef KILN_TESTS_MUTANTS_MUTANTS_H_
#define KILN_TESTS_MUTANTS_MUTANTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/rounding_bounds.h"

namespace kiln {

struct Mutant {
  std::string rule;    // "conv2d d_weight": the op and the node's role
  std::string change;  // "operand 1 left out"
  Graph graph;
  // Of ops that the generators know, so that it can be emitted.
  bool emittable = true;
};

// Breaks each rule that differentiating `forward` uses, in each of these ways
// that keeps the types right:
//  - sign, and factors of 2 and 1.01;
//  - wrong index: the result or an operand read shifted by one element or one
//    sample, backwards, or transposed (a kernel also with its channels
//    exchanged), the operands exchanged, another padding or stride;
//  - dropped term: the last element of the result or an operand, or all of an
//    operand, taken as 1;
//  - pointwise derivatives: each mutant of the expression (ExpressionMutants).
std::vector<Mutant> Mutants(const Graph& forward);

// Only of the rules that the cases of an op (OpCases) are about, not of the
// ops that feed it.
std::vector<Mutant> MutantsOf(const std::string& op, const Graph& forward);

// Whether a mutation changes no gradient of these values, up to rounding in
// double: a 1x1 kernel transposed.
bool AreEquivalent(const RoundedTensors& wrong, const RoundedTensors& right);

}  // namespace kiln

#endif  // KILN_TESTS_MUTANTS_MUTANTS_H_
