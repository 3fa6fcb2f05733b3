#include "dsl/scalar_expr.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

// Binding strengths for printing with the fewest parentheses that keep the
// order of evaluation.
enum Precedence { kSum = 1, kProduct = 2, kUnary = 3, kAtom = 4 };

const char* FunctionName(ScalarKind kind) {
  switch (kind) {
    case ScalarKind::kMax:
      return "max";
    case ScalarKind::kMin:
      return "min";
    case ScalarKind::kExp:
      return "exp";
    case ScalarKind::kLog:
      return "log";
    case ScalarKind::kTanh:
      return "tanh";
    case ScalarKind::kSigmoid:
      return "sigmoid";
    case ScalarKind::kSqrt:
      return "sqrt";
    case ScalarKind::kGreater:
      return "greater";
    case ScalarKind::kSelect:
      return "select";
    default:
      return "?";
  }
}

// The shortest text that reads back as the same double: equal texts are equal
// expressions.
std::string PrintConstant(double value) {
  char buffer[32];
  return std::string(buffer,
                     std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

std::string Print(const ScalarExpr& e, int parent) {
  std::string text;
  int precedence = kAtom;
  const auto& x = e.operands();
  switch (e.kind()) {
    case ScalarKind::kConstant:
      text = PrintConstant(e.constant());
      precedence = e.constant() < 0 ? kUnary : kAtom;
      break;
    case ScalarKind::kArg:
      text = absl::StrCat("a", e.arg());
      break;
    case ScalarKind::kNeg:
      text = absl::StrCat("-", Print(x[0], kUnary));
      precedence = kUnary;
      break;
    case ScalarKind::kAdd:
      text = absl::StrCat(Print(x[0], kSum), " + ", Print(x[1], kSum + 1));
      precedence = kSum;
      break;
    case ScalarKind::kSub:
      text = absl::StrCat(Print(x[0], kSum), " - ", Print(x[1], kSum + 1));
      precedence = kSum;
      break;
    case ScalarKind::kMul:
      text =
          absl::StrCat(Print(x[0], kProduct), " * ", Print(x[1], kProduct + 1));
      precedence = kProduct;
      break;
    case ScalarKind::kDiv:
      text =
          absl::StrCat(Print(x[0], kProduct), " / ", Print(x[1], kProduct + 1));
      precedence = kProduct;
      break;
    default: {
      text = absl::StrCat(FunctionName(e.kind()), "(");
      for (size_t i = 0; i < x.size(); ++i)
        absl::StrAppend(&text, i ? ", " : "", Print(x[i], kSum));
      absl::StrAppend(&text, ")");
    }
  }
  return precedence < parent ? absl::StrCat("(", text, ")") : text;
}

double Apply(ScalarKind kind, absl::Span<const double> v) {
  switch (kind) {
    case ScalarKind::kNeg:
      return -v[0];
    case ScalarKind::kAdd:
      return v[0] + v[1];
    case ScalarKind::kSub:
      return v[0] - v[1];
    case ScalarKind::kMul:
      return v[0] * v[1];
    case ScalarKind::kDiv:
      return v[0] / v[1];
    case ScalarKind::kMax:
      return std::isnan(v[0]) || std::isnan(v[1]) ? NAN : std::max(v[0], v[1]);
    case ScalarKind::kMin:
      return std::isnan(v[0]) || std::isnan(v[1]) ? NAN : std::min(v[0], v[1]);
    case ScalarKind::kExp:
      return std::exp(v[0]);
    case ScalarKind::kLog:
      return std::log(v[0]);
    case ScalarKind::kTanh:
      return std::tanh(v[0]);
    case ScalarKind::kSigmoid:
      return v[0] >= 0 ? 1 / (1 + std::exp(-v[0]))
                       : std::exp(v[0]) / (1 + std::exp(v[0]));
    case ScalarKind::kSqrt:
      return std::sqrt(v[0]);
    case ScalarKind::kGreater:
      return v[0] > v[1] ? 1 : 0;
    case ScalarKind::kSelect:
      return v[0] != 0 ? v[1] : v[2];
    default:
      return NAN;
  }
}

// Results of a walk by node: a subtree that is read twice is walked once.
template <typename Result>
using Memo = std::unordered_map<const void*, Result>;

bool SameConstant(double a, double b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

// Whether the two read the same. `known` holds pairs found to be.
using Pairs = std::set<std::pair<const void*, const void*>>;
bool AreEqual(const ScalarExpr& a, const ScalarExpr& b, Pairs* known) {
  if (a.id() == b.id() || known->count({a.id(), b.id()})) return true;
  if (a.kind() != b.kind()) return false;
  if (a.kind() == ScalarKind::kConstant)
    return SameConstant(a.constant(), b.constant());
  if (a.kind() == ScalarKind::kArg) return a.arg() == b.arg();
  for (size_t i = 0; i < a.operands().size(); ++i) {
    if (!AreEqual(a.operands()[i], b.operands()[i], known)) return false;
  }
  known->insert({a.id(), b.id()});
  return true;
}

}  // namespace

ScalarExpr::ScalarExpr(double constant)
    : ScalarExpr(Node{ScalarKind::kConstant, constant, 0, {}}) {}
ScalarExpr::ScalarExpr(Node node)
    : node_(std::make_shared<const Node>(std::move(node))) {}

bool ScalarExpr::IsConstant(double value) const {
  return kind() == ScalarKind::kConstant && constant() == value;
}
std::string ScalarExpr::ToString() const { return Print(*this, kSum); }

ScalarExpr Arg(int index) {
  return ScalarExpr(ScalarExpr::Node{ScalarKind::kArg, 0, index, {}});
}

ScalarExpr MakeScalar(ScalarKind kind, std::vector<ScalarExpr> x) {
  if (std::all_of(x.begin(), x.end(), [](const ScalarExpr& e) {
        return e.kind() == ScalarKind::kConstant;
      })) {
    std::vector<double> values;
    for (const ScalarExpr& e : x) values.push_back(e.constant());
    return Apply(kind, values);
  }
  switch (kind) {
    case ScalarKind::kNeg:
      if (x[0].kind() == ScalarKind::kNeg) return x[0].operands()[0];
      break;
    case ScalarKind::kAdd:
      if (x[0].IsConstant(0)) return x[1];
      if (x[1].IsConstant(0)) return x[0];
      if (x[1].kind() == ScalarKind::kNeg) return x[0] - x[1].operands()[0];
      break;
    case ScalarKind::kSub:
      if (x[0].IsConstant(0)) return -x[1];
      if (x[1].IsConstant(0)) return x[0];
      if (x[1].kind() == ScalarKind::kNeg) return x[0] + x[1].operands()[0];
      break;
    case ScalarKind::kMul:
      // 0 * x folds to 0: derivatives of constants vanish, even where x is not
      // finite.
      if (x[0].IsConstant(0) || x[1].IsConstant(0)) return 0.0;
      if (x[0].IsConstant(1)) return x[1];
      if (x[1].IsConstant(1)) return x[0];
      if (x[0].IsConstant(-1)) return -x[1];
      if (x[1].IsConstant(-1)) return -x[0];
      break;
    case ScalarKind::kDiv:
      if (x[0].IsConstant(0)) return 0.0;
      if (x[1].IsConstant(1)) return x[0];
      break;
    case ScalarKind::kSelect:
      if (x[0].kind() == ScalarKind::kConstant)
        return x[0].constant() != 0 ? x[1] : x[2];
      if (Pairs known; AreEqual(x[1], x[2], &known)) return x[1];
      break;
    default:
      break;
  }
  return ScalarExpr(ScalarExpr::Node{kind, 0, 0, std::move(x)});
}

ScalarExpr operator-(const ScalarExpr& a) {
  return MakeScalar(ScalarKind::kNeg, {a});
}
ScalarExpr operator+(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kAdd, {a, b});
}
ScalarExpr operator-(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kSub, {a, b});
}
ScalarExpr operator*(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kMul, {a, b});
}
ScalarExpr operator/(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kDiv, {a, b});
}
ScalarExpr Max(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kMax, {a, b});
}
ScalarExpr Min(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kMin, {a, b});
}
ScalarExpr Exp(const ScalarExpr& a) {
  return MakeScalar(ScalarKind::kExp, {a});
}
ScalarExpr Log(const ScalarExpr& a) {
  return MakeScalar(ScalarKind::kLog, {a});
}
ScalarExpr Tanh(const ScalarExpr& a) {
  return MakeScalar(ScalarKind::kTanh, {a});
}
ScalarExpr Sigmoid(const ScalarExpr& a) {
  return MakeScalar(ScalarKind::kSigmoid, {a});
}
ScalarExpr Sqrt(const ScalarExpr& a) {
  return MakeScalar(ScalarKind::kSqrt, {a});
}
ScalarExpr Greater(const ScalarExpr& a, const ScalarExpr& b) {
  return MakeScalar(ScalarKind::kGreater, {a, b});
}
ScalarExpr Select(const ScalarExpr& condition, const ScalarExpr& then,
                  const ScalarExpr& otherwise) {
  return MakeScalar(ScalarKind::kSelect, {condition, then, otherwise});
}

namespace {

ScalarExpr Differentiate(const ScalarExpr& e, int index,
                         Memo<ScalarExpr>* memo) {
  const auto& x = e.operands();
  auto d = [&](int i) {
    const auto known = memo->find(x[i].id());
    if (known != memo->end()) return known->second;
    const ScalarExpr result = Differentiate(x[i], index, memo);
    memo->emplace(x[i].id(), result);
    return result;
  };
  switch (e.kind()) {
    case ScalarKind::kConstant:
    case ScalarKind::kGreater:
      return 0.0;
    case ScalarKind::kArg:
      return e.arg() == index ? 1.0 : 0.0;
    case ScalarKind::kNeg:
      return -d(0);
    case ScalarKind::kAdd:
      return d(0) + d(1);
    case ScalarKind::kSub:
      return d(0) - d(1);
    case ScalarKind::kMul:
      return d(0) * x[1] + x[0] * d(1);
    case ScalarKind::kDiv:
      return (d(0) - e * d(1)) / x[1];
    case ScalarKind::kMax:
      return Select(Greater(x[0], x[1]), d(0), d(1));
    case ScalarKind::kMin:
      return Select(Greater(x[1], x[0]), d(0), d(1));
    case ScalarKind::kExp:
      return d(0) * e;
    case ScalarKind::kLog:
      return d(0) / x[0];
    case ScalarKind::kTanh:
      return d(0) * (1 - e * e);
    case ScalarKind::kSigmoid:
      return d(0) * (e * (1 - e));
    case ScalarKind::kSqrt:
      return d(0) / (2 * e);
    case ScalarKind::kSelect:
      return Select(x[0], d(1), d(2));
  }
  return 0.0;
}

ScalarExpr Replace(const ScalarExpr& e,
                   absl::Span<const ScalarExpr> replacements,
                   Memo<ScalarExpr>* memo) {
  if (e.kind() == ScalarKind::kArg) return replacements[e.arg()];
  if (e.operands().empty()) return e;
  const auto known = memo->find(e.id());
  if (known != memo->end()) return known->second;
  std::vector<ScalarExpr> operands;
  for (const ScalarExpr& x : e.operands())
    operands.push_back(Replace(x, replacements, memo));
  const ScalarExpr result = MakeScalar(e.kind(), std::move(operands));
  memo->emplace(e.id(), result);
  return result;
}

void CollectArgs(const ScalarExpr& e, std::set<const void*>* seen,
                 std::set<int>* args) {
  if (e.kind() == ScalarKind::kArg) args->insert(e.arg());
  if (e.operands().empty() || !seen->insert(e.id()).second) return;
  for (const ScalarExpr& x : e.operands()) CollectArgs(x, seen, args);
}

std::set<int> ArgsOf(const ScalarExpr& e) {
  std::set<const void*> seen;
  std::set<int> args;
  CollectArgs(e, &seen, &args);
  return args;
}

int64_t CountOperations(const ScalarExpr& e, Memo<int64_t>* memo) {
  if (e.operands().empty()) return 0;
  const auto known = memo->find(e.id());
  if (known != memo->end()) return known->second;
  int64_t count = 1;
  for (const ScalarExpr& x : e.operands()) count += CountOperations(x, memo);
  return (*memo)[e.id()] = std::min(count, kManyOperations);
}

double EvaluateNode(const ScalarExpr& e, absl::Span<const double> args,
                    Memo<double>* memo) {
  if (e.kind() == ScalarKind::kConstant) return e.constant();
  if (e.kind() == ScalarKind::kArg) return args[e.arg()];
  // A node with one owner is read once: most formulas never touch the memo.
  const bool is_shared = e.IsShared();
  if (is_shared) {
    const auto known = memo->find(e.id());
    if (known != memo->end()) return known->second;
  }
  double values[3];
  size_t count = 0;
  for (const ScalarExpr& x : e.operands())
    values[count++] = EvaluateNode(x, args, memo);
  const double result = Apply(e.kind(), absl::MakeSpan(values, count));
  if (is_shared) memo->emplace(e.id(), result);
  return result;
}

}  // namespace

ScalarExpr Derivative(const ScalarExpr& e, int index) {
  Memo<ScalarExpr> memo;
  return Differentiate(e, index, &memo);
}

ScalarExpr Substitute(const ScalarExpr& e,
                      absl::Span<const ScalarExpr> replacements) {
  Memo<ScalarExpr> memo;
  return Replace(e, replacements, &memo);
}

int ArgCount(const ScalarExpr& e) {
  const std::set<int> args = ArgsOf(e);
  return args.empty() ? 0 : *args.rbegin() + 1;
}

bool DependsOn(const ScalarExpr& e, int index) {
  return ArgsOf(e).count(index) > 0;
}

int64_t OperationCount(const ScalarExpr& e) {
  Memo<int64_t> memo;
  return CountOperations(e, &memo);
}

double Evaluate(const ScalarExpr& e, absl::Span<const double> args) {
  Memo<double> memo;
  return EvaluateNode(e, args, &memo);
}

}  // namespace kiln
