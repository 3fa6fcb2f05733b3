// Scalar expressions in mathematical notation.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "dsl/formula.h"

namespace kiln {
namespace {

// More operations than anyone reads.
constexpr int64_t kMostReadable = 100;

// Binding strengths, to print the parentheses that are needed and no others.
enum Precedence { kSum = 1, kProduct = 2, kUnary = 3, kAtom = 4 };

struct Rendered {
  Math math;
  int precedence = kAtom;
};

Math Parenthesised(const Rendered& r, int at_least) {
  if (r.precedence >= at_least) return r.math;
  return {absl::StrCat("(", r.math.text, ")"),
          absl::StrCat("\\left(", r.math.latex, "\\right)")};
}

Math Infix(const Math& a, const char* text, const char* latex, const Math& b) {
  return {absl::StrCat(a.text, text, b.text),
          absl::StrCat(a.latex, latex, b.latex)};
}

// "max(a, b)" and the like; `latex` is the operator.
Math Call(const std::string& text, const std::string& latex,
          const std::vector<Math>& args) {
  auto join = [&](auto member) {
    return absl::StrJoin(args, ", ", [&](std::string* out, const Math& m) {
      absl::StrAppend(out, m.*member);
    });
  };
  return {absl::StrCat(text, "(", join(&Math::text), ")"),
          absl::StrCat(latex, "\\!\\left(", join(&Math::latex), "\\right)")};
}

Rendered Walk(const ScalarExpr& e, absl::Span<const Math> args) {
  const auto& x = e.operands();
  std::vector<Rendered> sides;
  std::vector<Math> plain;
  for (const ScalarExpr& operand : x) {
    sides.push_back(Walk(operand, args));
    plain.push_back(sides.back().math);
  }
  auto side = [&](int i, int precedence) {
    return Parenthesised(sides[i], precedence);
  };
  switch (e.kind()) {
    case ScalarKind::kConstant: {
      const std::string number = NumberText(e.constant());
      return {{number, number}, e.constant() < 0 ? kUnary : kAtom};
    }
    case ScalarKind::kArg:
      return {args[e.arg()]};
    case ScalarKind::kNeg: {
      const Math a = side(0, kUnary);
      return {{absl::StrCat("-", a.text), absl::StrCat("-", a.latex)}, kUnary};
    }
    case ScalarKind::kAdd:
      return {Infix(side(0, kSum), " + ", " + ", side(1, kSum + 1)), kSum};
    case ScalarKind::kSub:
      return {Infix(side(0, kSum), " - ", " - ", side(1, kSum + 1)), kSum};
    case ScalarKind::kMul: {
      const Math a = side(0, kProduct), b = side(1, kUnary + 1);
      const bool is_square = sides[0].math.latex == sides[1].math.latex;
      if (is_square) {
        const Math base = side(0, kAtom);
        return {{absl::StrCat(base.text, "^2"),
                 absl::StrCat("{", base.latex, "}^{2}")},
                kProduct};
      }
      return {Infix(a, " * ", " \\cdot ", b), kProduct};
    }
    case ScalarKind::kDiv:
      return {
          {absl::StrCat(side(0, kProduct).text, " / ",
                        side(1, kUnary + 1).text),
           absl::StrCat("\\frac{", plain[0].latex, "}{", plain[1].latex, "}")},
          kProduct};
    case ScalarKind::kExp:
      return {{absl::StrCat("exp(", plain[0].text, ")"),
               absl::StrCat("e^{", plain[0].latex, "}")}};
    case ScalarKind::kSigmoid:
      return {Call("sigmoid", "\\sigma", plain)};
    case ScalarKind::kMax:
      return {Call("max", "\\max", plain)};
    case ScalarKind::kMin:
      return {Call("min", "\\min", plain)};
    case ScalarKind::kLog:
      return {Call("log", "\\log", plain)};
    case ScalarKind::kTanh:
      return {Call("tanh", "\\tanh", plain)};
    case ScalarKind::kGreater:
      return {{absl::StrCat("[", plain[0].text, " > ", plain[1].text, "]"),
               absl::StrCat("\\left[", plain[0].latex, " > ", plain[1].latex,
                            "\\right]")}};
    case ScalarKind::kSelect:
      return {{absl::StrCat("(", plain[0].text, " ? ", plain[1].text, " : ",
                            plain[2].text, ")"),
               absl::StrCat("\\begin{cases} ", plain[1].latex, " & ",
                            plain[0].latex, " \\neq 0 \\\\ ", plain[2].latex,
                            " & \\text{otherwise} \\end{cases}")}};
    default: {
      // A function without a notation of its own: the name it prints with.
      const std::string text = e.ToString();
      const std::string name = text.substr(0, text.find('('));
      return {Call(name, absl::StrCat("\\operatorname{", name, "}"), plain)};
    }
  }
}

}  // namespace

Math Render(const ScalarExpr& e, absl::Span<const Math> args,
            const std::string& label) {
  if (OperationCount(e) > kMostReadable) {
    return Call(label,
                absl::StrCat("\\operatorname{",
                             absl::StrReplaceAll(label, {{"_", "\\_"}}), "}"),
                {args.begin(), args.end()});
  }
  return Walk(e, args).math;
}

}  // namespace kiln
