// Formulas, which only people read: goldens of every op's, and what can be said
// of all of them.
#include "dsl/formula.h"

#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "dsl/prepare.h"
#include "gtest/gtest.h"
#include "tests/ops/references.h"
#include "tests/support/golden.h"
#include "tests/support/models.h"
#include "tests/support/op_cases.h"

namespace kiln {
namespace {

struct Formulas {
  Graph training;
  std::vector<Symbol> symbols;
};

Formulas FormulasOf(const Graph& forward) {
  Adjoints adjoints;
  EXPECT_TRUE(
      Differentiate(EliminateCommonSubexpressions(forward), {}, &adjoints)
          .ok());
  Formulas f{BuildTrainingGraph(forward).value(), {}};
  f.symbols = NameSymbols(f.training, adjoints);
  return f;
}

std::string Listing(const Formulas& f) {
  std::string text;
  for (NodeId id = 0; id < f.training.size(); ++id) {
    const Math formula = FormulaOf(f.training, id, f.symbols);
    absl::StrAppend(&text, f.training.node(id).op->name(), "\n  ", formula.text,
                    "\n  ", formula.latex, "\n");
  }
  return text;
}

class FormulaGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(FormulaGoldenTest, OfTheFirstAndTheLastCase) {
  const std::vector<OpCase> cases = OpCases(GetParam(), 1);
  ASSERT_FALSE(cases.empty());
  EXPECT_TRUE(
      MatchesGolden(absl::StrCat("formula_", GetParam()),
                    absl::StrCat(cases.front().name, "\n",
                                 Listing(FormulasOf(cases.front().graph)), "\n",
                                 cases.back().name, "\n",
                                 Listing(FormulasOf(cases.back().graph)))));
}

INSTANTIATE_TEST_SUITE_P(Ops, FormulaGoldenTest,
                         ::testing::ValuesIn(OpCaseNames()),
                         [](const auto& info) { return info.param; });

// What inference computes once from the parameters, for each of its ops.
Formulas FormulasOfFolding() {
  ModelBuilder m;
  Value x = m.Input("image", {1, 4, 4});
  x = m.BatchNorm("bn1", m.Conv2d("conv1", x, {.out_channels = 2}));
  x = m.Dense("fc2", m.Dense("fc1", m.Flatten(x), {.out = 3}), {.out = 2});
  m.Output("out", x);
  m.Loss(m.L2(x, m.Target("y", {2})));
  const InferencePlan plan = PlanInference(m.Build().value().graph).value();
  // One graph, for the sake of the loop: prepare's nodes, then infer's.
  Graph both = plan.prepare;
  std::vector<NodeId> ids;
  for (const Node& node : plan.infer.nodes()) {
    std::vector<NodeId> inputs;
    for (NodeId input : node.inputs) inputs.push_back(ids[input]);
    ids.push_back(both.Add(node.op, inputs, "infer." + node.name, {}).value());
  }
  return {both, NameSymbols(both, {})};
}

// Every op of the cases and of the models with one graph of each.
std::vector<Formulas> Everything() {
  std::vector<Formulas> all;
  for (const std::string& name : OpCaseNames()) {
    for (const OpCase& op_case : OpCases(name, 1))
      all.push_back(FormulasOf(op_case.graph));
  }
  for (const std::string& name : ModelNames())
    all.push_back(FormulasOf(BuildModel(name).value().graph));
  all.push_back(FormulasOfFolding());
  return all;
}

TEST(FormulaTest, EveryOpHasOneOfItsOwn) {
  std::set<std::string> seen;
  for (const Formulas& f : Everything()) {
    for (NodeId id = 0; id < f.training.size(); ++id) {
      const Op& op = *f.training.node(id).op;
      seen.insert(std::string(op.name()));
      const FormulaScope names(f.training, id, f.symbols);
      EXPECT_NE(op.Formula(names).text, GenericFormula(op, names).text)
          << op.name() << " needs a Formula";
    }
  }
  for (absl::string_view op : ReferencedOps())
    EXPECT_EQ(seen.count(std::string(op)), 1) << op << " is in no case";
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++count)
    at += part.size();
  return count;
}

TEST(FormulaTest, LatexIsBalancedAndNothingIsLeftToFillIn) {
  int formulas = 0;
  for (const Formulas& f : Everything()) {
    for (NodeId id = 0; id < f.training.size(); ++id) {
      const Math m = FormulaOf(f.training, id, f.symbols);
      const std::string& name = f.training.node(id).name;
      EXPECT_EQ(m.text.rfind(name, 0), 0) << m.text;
      EXPECT_EQ(Count(m.latex, "{"), Count(m.latex, "}")) << m.latex;
      EXPECT_EQ(Count(m.latex, "\\left"), Count(m.latex, "\\right")) << m.latex;
      EXPECT_EQ(m.text.find('$'), std::string::npos) << m.text;
      EXPECT_EQ(m.latex.find_first_of("$#*"), std::string::npos) << m.latex;
      ++formulas;
    }
  }
  EXPECT_GT(formulas, 500);
}

// Of a value that is read twice, the parts and their sum.
TEST(SymbolsTest, AdjointsAreDerivatives) {
  ModelBuilder m;
  const Value x = m.Input("x", {3}), y = m.Target("y", {2});
  const Value h = m.Tanh(m.Dense("fc1", x, {.out = 2}));
  const Value sum = m.Pointwise(
      "add", {m.Dense("a", h, {.out = 2}), m.Dense("b", h, {.out = 2})},
      Arg(0) + Arg(1));
  m.Output("out", sum);
  m.Loss(m.L2(sum, y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const Formulas f = FormulasOf(model->graph);
  auto latex = [&](const std::string& name) {
    for (NodeId id = 0; id < f.training.size(); ++id) {
      if (f.training.node(id).name == name) return f.symbols[id].latex;
    }
    return std::string("no such node");
  };
  EXPECT_EQ(latex("fc1.weight"), "W^{\\mathit{fc1}}#");
  EXPECT_EQ(latex("x"), "x#");
  EXPECT_EQ(latex("l2_loss1"), "L#");
  EXPECT_EQ(latex("fc1.d_weight"),
            "\\frac{\\partial L}{\\partial W^{\\mathit{fc1}}#}");
  EXPECT_EQ(latex("d_tanh1"),
            "\\frac{\\partial L}{\\partial \\mathit{tanh1}#}");
  EXPECT_EQ(latex("a.d_input"),
            "\\left.\\frac{\\partial L}{\\partial "
            "\\mathit{tanh1}#}\\right|_{\\mathit{a}}");
}

Math RenderOf(const ScalarExpr& e) {
  const std::vector<Math> args = {{"p", "P"}, {"q", "Q"}, {"r", "R"}};
  return Render(e, args, "mine");
}

TEST(RenderTest, HasTheParenthesesThatItNeeds) {
  const ScalarExpr p = Arg(0), q = Arg(1), r = Arg(2);
  const struct {
    ScalarExpr e;
    const char* text;
    const char* latex;
  } cases[] = {
      {p + q - r, "p + q - r", "P + Q - R"},
      {p - (q - r), "p - (q - r)", "P - \\left(Q - R\\right)"},
      {p * (q + r), "p * (q + r)", "P \\cdot \\left(Q + R\\right)"},
      {p * q * r, "p * q * r", "P \\cdot Q \\cdot R"},
      {p / (q * r), "p / (q * r)", "\\frac{P}{Q \\cdot R}"},
      {(p + q) * (p + q), "(p + q)^2", "{\\left(P + Q\\right)}^{2}"},
      {-(p + q), "-(p + q)", "-\\left(P + Q\\right)"},
      {p * -q, "p * (-q)", "P \\cdot \\left(-Q\\right)"},
      {Exp(-p), "exp(-p)", "e^{-P}"},
      {Sigmoid(p), "sigmoid(p)", "\\sigma\\!\\left(P\\right)"},
      {Max(p, 0.5), "max(p, 0.5)", "\\max\\!\\left(P, 0.5\\right)"},
      {Min(p, q), "min(p, q)", "\\min\\!\\left(P, Q\\right)"},
      {Log(p), "log(p)", "\\log\\!\\left(P\\right)"},
      {Tanh(p), "tanh(p)", "\\tanh\\!\\left(P\\right)"},
      {p * Greater(q, 0), "p * [q > 0]", "P \\cdot \\left[Q > 0\\right]"},
      {Select(p, q, r), "(p ? q : r)",
       "\\begin{cases} Q & P \\neq 0 \\\\ R & \\text{otherwise} "
       "\\end{cases}"}};
  for (const auto& c : cases) {
    EXPECT_EQ(RenderOf(c.e).text, c.text);
    EXPECT_EQ(RenderOf(c.e).latex, c.latex);
  }
}

TEST(RenderTest, ALongExpressionIsItsLabel) {
  ScalarExpr e = Arg(0);
  for (int i = 0; i < 10; ++i) e = e * e + Arg(1);
  EXPECT_EQ(RenderOf(e).text, "mine(p, q, r)");
}

}  // namespace
}  // namespace kiln
