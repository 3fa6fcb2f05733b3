#include "dsl/formula.h"

#include <cctype>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace kiln {
namespace {

// In italics, apart from the functions of mathematics: a node may be called
// tanh1.
std::string Italic(const std::string& name) {
  return absl::StrCat("\\mathit{", absl::StrReplaceAll(name, {{"_", "\\_"}}),
                      "}");
}

// What the node is called where it is no adjoint.
std::string PlainLatex(const Node& node) {
  absl::string_view layer = node.name;
  if (absl::ConsumeSuffix(&layer, ".weight"))
    return absl::StrCat("W^{", Italic(std::string(layer)), "}#");
  if (absl::ConsumeSuffix(&layer, ".bias"))
    return absl::StrCat("b^{", Italic(std::string(layer)), "}#");
  // One letter is a variable, as in books.
  if (node.name.size() == 1) return absl::StrCat(node.name, "#");
  return absl::StrCat(Italic(node.name), "#");
}

std::string Derivative(const std::string& of) {
  return absl::StrCat("\\frac{\\partial L}{\\partial ", of, "}");
}

}  // namespace

std::vector<Symbol> NameSymbols(const Graph& graph, const Adjoints& adjoints) {
  std::map<std::string, std::string> plain;
  for (const Node& node : graph.nodes()) plain[node.name] = PlainLatex(node);
  const NodeId loss = graph.Loss();
  if (loss >= 0) plain[graph.node(loss).name] = "L#";

  std::vector<Symbol> symbols;
  for (const Node& node : graph.nodes()) {
    Symbol symbol{node.name, plain[node.name]};
    const auto adjoint = adjoints.find(node.name);
    if (adjoint != adjoints.end() && plain.count(adjoint->second.of) > 0) {
      const std::string of = plain[adjoint->second.of];
      absl::string_view through = node.name;
      through = through.substr(0, through.rfind(".d_"));
      symbol.latex = adjoint->second.is_part
                         ? absl::StrCat("\\left.", Derivative(of), "\\right|_{",
                                        Italic(std::string(through)), "}")
                         : Derivative(of);
    }
    symbols.push_back(symbol);
  }
  return symbols;
}

Math FormulaScope::Out() const { return Write("$out", "$out"); }

Math FormulaScope::In(int i) const {
  const std::string name = absl::StrCat("$", i);
  return Write(name, name);
}

Math FormulaScope::Write(absl::string_view text,
                         absl::string_view latex) const {
  return {Expand(text, false), Expand(latex, true)};
}

std::string FormulaScope::Expand(absl::string_view pattern, bool latex) const {
  std::string result;
  while (!pattern.empty()) {
    const size_t at = pattern.find('$');
    absl::StrAppend(&result, pattern.substr(0, at));
    if (at == absl::string_view::npos) break;
    pattern.remove_prefix(at + 1);
    NodeId id = id_;
    if (!absl::ConsumePrefix(&pattern, "out")) {
      id = node_.inputs[pattern[0] - '0'];
      pattern.remove_prefix(1);
    }
    std::string index;
    if (absl::ConsumePrefix(&pattern, "[")) {
      size_t end = 0;  // of the bracket, which may hold another
      for (int depth = 1; depth > 0; ++end) {
        depth += pattern[end] == '[' ? 1 : pattern[end] == ']' ? -1 : 0;
      }
      index = Expand(pattern.substr(0, end - 1), latex);
      pattern.remove_prefix(end);
    }
    if (latex) {
      index = absl::StrReplaceAll(index, {{"*", ""}});
      const std::string subscript =
          index.empty() ? "" : absl::StrCat("_{", index, "}");
      absl::StrAppend(
          &result, absl::StrReplaceAll(symbols_[id].latex, {{"#", subscript}}));
    } else {
      absl::StrAppend(&result, symbols_[id].text,
                      index.empty() ? "" : absl::StrCat("[", index, "]"));
    }
  }
  return result;
}

Math FormulaOf(const Graph& graph, NodeId node,
               const std::vector<Symbol>& symbols) {
  return graph.node(node).op->Formula(FormulaScope(graph, node, symbols));
}

Math GenericFormula(const Op& op, const FormulaScope& names) {
  std::vector<std::string> inputs;
  for (int i = 0; i < names.input_count(); ++i)
    inputs.push_back(absl::StrCat("$", i));
  const std::string arguments =
      absl::StrCat("(", absl::StrJoin(inputs, ", "), ")");
  const std::string attributes = op.Attributes();
  return names.Write(
      absl::StrCat("$out = ", op.name(), arguments,
                   attributes.empty() ? "" : " with ", attributes),
      absl::StrCat("$out = \\operatorname{",
                   absl::StrReplaceAll(op.name(), {{"_", "\\_"}}), "}",
                   arguments));
}

Math Op::Formula(const FormulaScope& names) const {
  return GenericFormula(*this, names);
}

Math SumOver(const std::vector<Index>& indices) {
  Math sum;
  std::vector<std::string> parts;
  for (const auto& [name, extent] : indices) {
    parts.push_back(absl::StrCat(name, "<", extent));
    absl::StrAppend(&sum.latex, "\\sum_{", name, "=0}^{", extent - 1, "} ");
  }
  sum.text = absl::StrCat("sum_{", absl::StrJoin(parts, ","), "} ");
  return sum;
}

std::string IndexOf(const Shape& shape) {
  static const char* const kNames[] = {"", "i", "o,i", "c,y,x", "k,c,r,s"};
  return shape.size() < std::size(kNames) ? kNames[shape.size()] : "...";
}

std::string WindowIndex(const std::string& window, const std::string& element,
                        int64_t stride, int64_t padding) {
  return absl::StrCat(stride == 1 ? "" : absl::StrCat(stride, "*"), window,
                      element.empty() ? "" : "+", element,
                      padding == 0 ? "" : absl::StrCat("-", padding));
}

std::string NumberText(double value) { return absl::StrFormat("%.9g", value); }

}  // namespace kiln
