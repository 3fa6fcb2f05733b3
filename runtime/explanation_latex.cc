// The derivation as a LaTeX document. Formulas are inline mathematics in
// display size, which TeX breaks at its relations and operators.
#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "runtime/explanation.h"
#include "runtime/storage.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr char kPreamble[] = R"(\documentclass[11pt]{article}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{amsmath}
\usepackage{longtable}
\setlength{\parindent}{0pt}
\setlength{\emergencystretch}{3em}
\allowdisplaybreaks
% A node: its name and what it is for, its equation, its numbers.
\newcommand{\kilnnode}[4]{\par\addvspace{9pt plus 3pt}%
  {\raggedright\texttt{#1}\quad{\small #2}\par\nobreak\vskip 2pt
  \leftskip=1.5em\hangindent=3em $\displaystyle #3$\par\nobreak\vskip 2pt
  \hangindent=3em #4\par}}
)";

std::string Escape(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\textbackslash{}"},
                                    {"{", "\\{"},
                                    {"}", "\\}"},
                                    {"_", "\\_"},
                                    {"%", "\\%"},
                                    {"&", "\\&"},
                                    {"#", "\\#"},
                                    {"$", "\\$"},
                                    {"^", "\\textasciicircum{}"},
                                    {"~", "\\textasciitilde{}"}});
}

// A name that may be broken at its dots and underscores.
std::string Name(const std::string& name) {
  return absl::StrReplaceAll(
      Escape(name), {{".", ".\\allowbreak{}"}, {"\\_", "\\_\\allowbreak{}"}});
}

// 1.2345678e-07 as 1.2345678 * 10^-7.
std::string Number(const std::string& text) {
  if (absl::StrContains(text, "nan")) return "\\mathrm{nan}";
  if (absl::StrContains(text, "inf"))
    return text[0] == '-' ? "-\\infty" : "\\infty";
  const size_t at = text.find('e');
  if (at == std::string::npos) return text;
  return absl::StrCat(text.substr(0, at), "\\cdot 10^{",
                      std::stoi(text.substr(at + 1)), "}");
}

std::string Shape(const NodeSpec& node) {
  return node.shape.empty()
             ? "scalar"
             : absl::StrCat("$", absl::StrJoin(node.shape, "\\times"), "$");
}

// The numbers of a node: all, or a summary.
std::string Numbers(const Explanation& e, size_t i) {
  const NodeSpec& node = e.manifest.nodes[i];
  const std::vector<double>& values = e.values[i];
  const size_t limit = std::max<int64_t>(1, e.max_values);
  if (values.size() <= limit) {
    std::vector<std::string> numbers;
    for (double value : values)
      numbers.push_back(Number(ExplainedNumber(node, value)));
    const std::string list = absl::StrJoin(
        numbers, ",$ $",
        [](std::string* out, const auto& n) { absl::StrAppend(out, n); });
    return values.size() == 1 ? absl::StrCat("$= ", list, "$")
                              : absl::StrCat("$= (", list, ")$");
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) /
                      static_cast<double>(values.size());
  return absl::StrCat("from $", Number(ExplainedNumber(node, *low)), "$ to $",
                      Number(ExplainedNumber(node, *high)), "$, mean $",
                      Number(ExplainedNumber(mean)), "$");
}

std::string Role(const NodeSpec& node) {
  std::vector<std::string> roles = {
      absl::StrCat(Escape(node.op), ", ", Shape(node))};
  for (const std::string& output : node.outputs)
    roles.push_back(Escape(output));
  return absl::StrJoin(roles, "; ");
}

std::string Part(const Explanation& e, ExplainedPart part) {
  std::string text;
  for (size_t i = 0; i < e.values.size(); ++i) {
    const NodeSpec& node = e.manifest.nodes[i];
    if (PartOf(node) != part) continue;
    absl::StrAppend(&text, "\\kilnnode{", Name(node.name), "}{", Role(node),
                    "}{", node.latex, "}{", Numbers(e, i), "}\n");
  }
  return text;
}

// Inputs, targets and parameters: symbol, name, shape, values.
std::string SourceTable(const Explanation& e) {
  std::string rows;
  for (size_t i = 0; i < e.values.size(); ++i) {
    const NodeSpec& node = e.manifest.nodes[i];
    if (PartOf(node) != ExplainedPart::kSource) continue;
    absl::StrAppend(&rows, "$", absl::StrReplaceAll(node.symbol, {{"#", ""}}),
                    "$ & \\texttt{", Name(node.name), "} & ", Escape(node.op),
                    " & ", Shape(node), " & ", Numbers(e, i), " \\\\\n");
  }
  return absl::StrCat(
      "\\begin{longtable}{@{}lp{0.18\\linewidth}llp{0.36\\linewidth}@{}}\n"
      "symbol & name & kind & shape & of this sample \\\\\n\\hline\n"
      "\\endhead\n",
      rows, "\\end{longtable}\n");
}

}  // namespace

std::string ExplainAsLatex(const Explanation& e) {
  return absl::StrCat(
      kPreamble, "\\title{\\texttt{", Name(e.manifest.model),
      "}: one sample, forward and backward}\n\\author{}\n\\date{}\n"
      "\\begin{document}\n\\maketitle\n",
      Escape(e.sample), ", ", Escape(e.weights),
      ". Numbers are computed in float64; a tensor of more than ", e.max_values,
      " values is summed up. $[\\,\\cdot\\,]$ is $1$ where what it holds is "
      "true and $0$ elsewhere; an index starts at $0$; without an index an "
      "equation holds for every element; $\\sigma(z) = 1/(1+e^{-z})$.\n\n"
      "\\section*{Data and parameters}\n",
      SourceTable(e), "\\section*{Forward}\n", Part(e, ExplainedPart::kForward),
      "\\section*{Loss}\n", Part(e, ExplainedPart::kLoss),
      "\\section*{Backward: the chain rule, node by node}\n"
      "Each node's derivative follows from those of the nodes that read it, "
      "which stand above it. Where a value is read more than once, its "
      "derivative is the sum of its parts; a part is named after the node "
      "that it comes through.\n",
      Part(e, ExplainedPart::kBackward), "\\end{document}\n");
}

}  // namespace runtime
}  // namespace kiln
