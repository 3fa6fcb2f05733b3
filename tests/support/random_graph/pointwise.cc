#include "tests/support/random_graph/pointwise.h"

#include <cmath>
#include <string>

#include "dsl/activations.h"

namespace kiln::random_graph {
namespace {

constexpr int64_t kMostOperations = 24;

// A bounded-growth term of arguments 0..arity-1.
ScalarExpr Term(Draft& draft, int arity, int depth) {
  if (depth == 0 || draft.Chance(20)) return Arg(draft.Below(arity));
  // In statements of their own: the order of a call's arguments is the
  // compiler's.
  const ScalarExpr a = Term(draft, arity, depth - 1);
  const ScalarExpr b = Term(draft, arity, depth - 1);
  const double c = draft.Constant();
  switch (draft.Below(15)) {
    case 0:
      return a * c;
    case 1:
      return a + c;
    case 2:
      return a + b;
    case 3:
      return a - c * b;
    case 4:
      return Tanh(a) * b;
    case 5:
      return a / (1.5 + b * b);
    case 6:
      return Max(a, c * b);
    case 7:
      return Min(a, c);
    case 8:
      return Exp(c * Tanh(a));
    case 9:
      return Log(1.2 + a * a);
    case 10:
      return Tanh(a);
    case 11:
      return Sigmoid(a);
    case 12:
      return b * Sqrt(0.8 + a * a);
    case 13:
      return Select(Greater(a, c), b, c * a);
    default:
      return -a;
  }
}

// Reads every argument, each also linearly: it influences the value whatever
// the branches of the formula are. The factors are positive and differ from
// the terms' own, so that arguments that share a parameter do not cancel.
ScalarExpr Expression(Draft& draft, int arity) {
  for (;;) {
    // No larger than the arguments, mostly: what grows saturates in the end.
    ScalarExpr e = 0.5 * Term(draft, arity, 2);
    for (int i = 0; i < arity; ++i) {
      e = e + (0.5 * std::abs(draft.Constant()) + 0.013 * (i + 1)) * Arg(i);
    }
    bool reads_all = OperationCount(e) <= kMostOperations;
    for (int i = 0; i < arity; ++i) {
      reads_all = reads_all && !Derivative(e, i).IsConstant(0);
    }
    if (reads_all) return e;
  }
}

}  // namespace

Formula AnyFormula(Draft& draft, int arity) {
  const ScalarExpr e = Expression(draft, arity);
  auto with_factor = [&](const ScalarExpr& value, const ScalarExpr& factor) {
    Formula formula{value};
    for (int i = 0; i < arity; ++i) {
      formula.partials.push_back(Derivative(e, i) * factor);
    }
    draft.Note("partials by the output");
    return formula;
  };
  const ScalarExpr y = Arg(arity);
  switch (draft.Below(10)) {
    case 0:
    case 1:
      return with_factor(Tanh(e), 1 - y * y);
    case 2:
      return with_factor(Sigmoid(e), y * (1 - y));
    case 3: {
      // e^t, t bounded: the derivative is y t'.
      const ScalarExpr t = Tanh(e);
      Formula formula{Exp(t)};
      for (int i = 0; i < arity; ++i) {
        formula.partials.push_back(y * Derivative(t, i));
      }
      draft.Note("partials by the output");
      return formula;
    }
    case 4: {
      Formula formula{e};
      for (int i = 0; i < arity; ++i) {
        formula.partials.push_back(Derivative(e, i));
      }
      draft.Note("partials by the inputs");
      return formula;
    }
    default:
      draft.Note("symbolic partials");
      return {e};
  }
}

int ApplyFormula(Draft& draft, const Formula& formula,
                 const std::vector<int>& items) {
  bool trained = false;
  std::vector<Value> values;
  for (int item : items) {
    trained = trained || draft.trained(item);
    values.push_back(draft.Read(item));
  }
  return draft.Keep(draft.model().Pointwise("formula", values, formula.value,
                                            formula.partials),
                    trained, Sign::kUnknown);
}

int ApplyAnyFormula(Draft& draft, int item) {
  return ApplyFormula(draft, AnyFormula(draft, 1), {item});
}

int AddPrelu(Draft& draft, int item) {
  const bool frozen = draft.Chance(12);
  const bool trained = draft.trained(item) || !frozen;
  const Value value = draft.model().Prelu(draft.Read(item), {.frozen = frozen});
  return draft.Keep(value, trained, Sign::kUnknown);
}

int Activate(Draft& draft, int item) {
  for (;;) {
    const std::string name = draft.OneOf(Activations()).name;
    if (name == "relu" && draft.sign(item) == Sign::kUnknown) continue;
    draft.Note("activation " + name);
    Sign sign = draft.sign(item);
    if (name == "relu" || name == "sigmoid") sign = Sign::kNotNegative;
    auto apply = [&](Value input) {
      return draft.model().Activate(name, input);
    };
    return draft.KeepTwice(item, apply, sign);
  }
}

// Never a twin: no two of these draw the same numbers.
int AddRandomLayer(Draft& draft, int item) {
  const Value input = draft.Read(item);
  const bool drops = draft.Chance(50);
  const double rate = static_cast<double>(draft.Between(10, 40)) / 100;
  return draft.Keep(
      drops ? draft.model().Dropout(input, rate) : draft.model().RRelu(input),
      draft.trained(item), draft.sign(item));
}

void AddTwin(Draft& draft) {
  const auto [a, b] = draft.OneOf(draft.twins());
  const Formula formula = AnyFormula(draft, 1);
  const int of_a = ApplyFormula(draft, formula, {a});
  const int of_b = ApplyFormula(draft, formula, {b});
  draft.AddTwins(of_a, of_b);
  draft.Note("twin of twins");
}

}  // namespace kiln::random_graph
