#include "dsl/derivative_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kiln {
namespace {

// Half a unit in the last place of 1.
constexpr double kRoundoff = 0x1p-53;
// Of exp, log and tanh in glibc, which stay below two units in the last place.
constexpr double kFunctionRoundoff = 4 * kRoundoff;
// What the bounds leave out: products of two errors, and their own rounding.
constexpr double kSafety = 4;
// Emitted code is float32, so that a constant written with seven digits is
// right; a difference that no float32 shows is no mistake.
constexpr double kRelativeTolerance = 1e-6;
// Within these no formula of a few operations overflows.
constexpr double kModerate = 16;

// A double with a bound of its rounding error to first order, by which nearly
// cancelled terms and the like loosen a comparison as much as they must and no
// more ("running error analysis": Higham, Accuracy and Stability of Numerical
// Algorithms, 3.3).
struct Bounded {
  double value = 0;
  double error = 0;
  bool near_kink = false;  // a comparison may have gone either way
};

bool MayTurn(double difference, double error) {
  return error > 0 && std::abs(difference) <= kSafety * error;
}

// The rounding of an operation that gave `value`. `is_exact`: by a zero
// operand. A result that underflows has no relative precision left.
double Rounding(double value, double unit, bool is_exact) {
  if (is_exact) return 0;
  return unit * std::abs(value) +
         (std::abs(value) < std::numeric_limits<double>::min()
              ? std::numeric_limits<double>::min()
              : 0);
}

Bounded ApplyExtremum(ScalarKind kind, const Bounded& a, const Bounded& b) {
  const bool first =
      kind == ScalarKind::kMax ? a.value > b.value : a.value < b.value;
  Bounded result = first ? a : b;
  if (std::isnan(a.value) || std::isnan(b.value)) result.value = NAN;
  result.near_kink = a.near_kink || b.near_kink ||
                     MayTurn(a.value - b.value, a.error + b.error);
  return result;
}

Bounded Apply(const ScalarExpr& e, absl::Span<const Bounded> x) {
  if (e.kind() == ScalarKind::kSelect) {
    Bounded result = x[0].value != 0 ? x[1] : x[2];
    result.near_kink =
        result.near_kink || x[0].near_kink || MayTurn(x[0].value, x[0].error);
    return result;
  }
  if (e.kind() == ScalarKind::kMax || e.kind() == ScalarKind::kMin)
    return ApplyExtremum(e.kind(), x[0], x[1]);

  Bounded result;
  for (const Bounded& operand : x)
    result.near_kink = result.near_kink || operand.near_kink;
  const double a = x[0].value, b = x.size() > 1 ? x[1].value : 0,
               a_error = x[0].error, b_error = x.size() > 1 ? x[1].error : 0;
  double& r = result.value;
  switch (e.kind()) {
    case ScalarKind::kNeg:
      return {-a, a_error, result.near_kink};
    case ScalarKind::kAdd:
    case ScalarKind::kSub:
      r = e.kind() == ScalarKind::kAdd ? a + b : a - b;
      // A sum that underflows is exact.
      result.error =
          a_error + b_error + (a == 0 || b == 0 ? 0 : kRoundoff * std::abs(r));
      break;
    case ScalarKind::kMul:
      r = a * b;
      result.error = std::abs(a) * b_error + std::abs(b) * a_error +
                     Rounding(r, kRoundoff, a == 0 || b == 0);
      break;
    case ScalarKind::kDiv:
      r = a / b;
      result.error = (a_error + std::abs(r) * b_error) / std::abs(b) +
                     Rounding(r, kRoundoff, a == 0);
      break;
    case ScalarKind::kExp:
      r = std::exp(a);
      result.error = r * a_error + Rounding(r, kFunctionRoundoff, false);
      break;
    case ScalarKind::kLog:
      r = std::log(a);
      result.error =
          a_error / std::abs(a) + Rounding(r, kFunctionRoundoff, a == 1);
      break;
    case ScalarKind::kTanh:
      r = std::tanh(a);
      result.error =
          (1 - r * r) * a_error + Rounding(r, kFunctionRoundoff, a == 0);
      break;
    case ScalarKind::kSigmoid:
      r = Evaluate(Sigmoid(a), {});
      // An exponential, a sum and a quotient; its derivative is below itself.
      result.error = r * a_error + Rounding(r, 2 * kFunctionRoundoff, false);
      break;
    case ScalarKind::kSqrt:
      // Correctly rounded in IEEE 754; its derivative is 1 / (2 r).
      r = std::sqrt(a);
      result.error = a_error / (2 * r) + Rounding(r, kRoundoff, a == 0);
      break;
    case ScalarKind::kGreater:
      r = a > b ? 1 : 0;
      result.near_kink = result.near_kink || MayTurn(a - b, a_error + b_error);
      break;
    default:
      break;
  }
  return result;
}

// An expression as the list of its nodes, each after what it reads and shared
// ones once.
class NodeList {
 public:
  explicit NodeList(const ScalarExpr& e) { Add(e); }

  Bounded Evaluate(absl::Span<const Bounded> args) const {
    std::vector<Bounded> values;
    values.reserve(nodes_.size());
    for (const Node& node : nodes_) {
      if (node.e.kind() == ScalarKind::kConstant) {
        values.push_back({node.e.constant()});
      } else if (node.e.kind() == ScalarKind::kArg) {
        values.push_back(args[node.e.arg()]);
      } else {
        Bounded operands[3];
        for (size_t i = 0; i < node.operands.size(); ++i)
          operands[i] = values[node.operands[i]];
        values.push_back(
            Apply(node.e, absl::MakeSpan(operands, node.operands.size())));
      }
    }
    return values.back();
  }

  void AppendConstants(std::vector<double>* constants) const {
    for (const Node& node : nodes_) {
      if (node.e.kind() == ScalarKind::kConstant &&
          std::isfinite(node.e.constant()))
        constants->push_back(node.e.constant());
    }
  }

 private:
  struct Node {
    ScalarExpr e;
    std::vector<size_t> operands;
  };

  size_t Add(const ScalarExpr& e) {
    const auto seen = place_.find(e.id());
    if (seen != place_.end()) return seen->second;
    Node node{e, {}};
    for (const ScalarExpr& x : e.operands()) node.operands.push_back(Add(x));
    nodes_.push_back(std::move(node));
    return place_[e.id()] = nodes_.size() - 1;
  }

  std::vector<Node> nodes_;
  std::unordered_map<const void*, size_t> place_;
};

// Numbers in [0, 1) that look random (splitmix64): the same in every build.
class Sequence {
 public:
  double Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  double Sign() { return Next() < 0.5 ? -1 : 1; }

 private:
  uint64_t state_ = 1;
};

class Points {
 public:
  Points(size_t arguments, std::vector<double> constants)
      : arguments_(arguments), constants_(std::move(constants)) {}

  std::vector<Bounded> At(int index) {
    std::vector<Bounded> point(arguments_);
    for (size_t i = 0; i < arguments_; ++i) {
      double value = Candidate(index, i);
      // On a constant there may be a kink, where any derivative is right.
      while (std::any_of(constants_.begin(), constants_.end(), [&](double c) {
        return std::abs(c) == std::abs(value);
      }))
        value = 1.0625 * value + 0x1p-10;
      point[i].value = value;
    }
    return point;
  }

 private:
  double Candidate(int index, size_t argument) {
    // First numbers that are good to read in a message, no two of one size.
    constexpr double kSimple[] = {0.5, -0.5625, 2.5, -2.25, 1.5, -1.25, 4, -3};
    constexpr int kCount = std::size(kSimple);
    if (index < kCount && argument < kCount)
      return kSimple[(index + argument) % kCount];
    if (!constants_.empty() && sequence_.Next() < 0.25) {
      const double c = constants_[static_cast<size_t>(
          sequence_.Next() * static_cast<double>(constants_.size()))];
      return c + sequence_.Sign() * std::pow(10, -4 * sequence_.Next()) *
                     (c == 0 ? 1 : std::abs(c));
    }
    // Functions of several arguments may be defined for one sign of all, or
    // between 0 and 1.
    const double magnitude = std::pow(10, 6 * sequence_.Next() - 3);
    switch (index % 4) {
      case 0:
        return magnitude;
      case 1:
        return -magnitude;
      case 2:
        return sequence_.Next();
      default:
        return sequence_.Sign() * magnitude;
    }
  }

  size_t arguments_;
  std::vector<double> constants_;
  Sequence sequence_;
};

std::string NumberString(double value) {
  return std::isnan(value) ? "nan" : absl::StrFormat("%.9g", value);
}

std::string PointString(absl::Span<const Bounded> point) {
  std::string text;
  for (size_t i = 0; i < point.size(); ++i) {
    absl::StrAppend(&text, i ? ", a" : "a", i, " = ",
                    NumberString(point[i].value));
  }
  return text;
}

enum class Verdict { kNotComparable, kAgrees, kDiffers };

Verdict Compare(const Bounded& declared, const Bounded& formula,
                bool is_moderate) {
  if (!std::isfinite(formula.value) || formula.near_kink || declared.near_kink)
    return Verdict::kNotComparable;
  if (!std::isfinite(declared.value))
    return is_moderate ? Verdict::kDiffers : Verdict::kNotComparable;
  const double rounding = kSafety * (declared.error + formula.error);
  const double shown = kRelativeTolerance * std::max(std::abs(declared.value),
                                                     std::abs(formula.value));
  if (std::abs(declared.value - formula.value) > rounding + shown)
    return Verdict::kDiffers;
  return rounding <= shown ? Verdict::kAgrees : Verdict::kNotComparable;
}

}  // namespace

absl::Status CheckDeclaredDerivatives(const ScalarExpr& value,
                                      absl::Span<const ScalarExpr> partials) {
  const size_t count = partials.size();
  const NodeList value_nodes(value);
  for (size_t i = 0; i < count; ++i) {
    const NodeList declared_nodes(partials[i]);
    const NodeList formula_nodes(Derivative(value, static_cast<int>(i)));
    std::vector<double> constants;
    value_nodes.AppendConstants(&constants);
    declared_nodes.AppendConstants(&constants);
    Points points(count, std::move(constants));
    int compared = 0;
    for (int k = 0; k < kDerivativeCheckPoints; ++k) {
      std::vector<Bounded> args = points.At(k);
      const bool is_moderate = std::all_of(
          args.begin(), args.end(),
          [](const Bounded& arg) { return std::abs(arg.value) <= kModerate; });
      const Bounded formula = formula_nodes.Evaluate(args);
      args.push_back(value_nodes.Evaluate(args));
      // A formula that is not finite has no derivative there.
      if (!std::isfinite(args.back().value)) continue;
      const Bounded declared = declared_nodes.Evaluate(args);
      const Verdict verdict = Compare(declared, formula, is_moderate);
      if (verdict == Verdict::kDiffers) {
        args.pop_back();
        return absl::InvalidArgumentError(absl::StrFormat(
            "the declared derivative of a%d is wrong: at %s it gives %s, the "
            "formula's derivative is %s",
            i, PointString(args), NumberString(declared.value),
            NumberString(formula.value)));
      }
      compared += verdict == Verdict::kAgrees;
    }
    if (compared < kLeastComparedPoints) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "the declared derivative of a%d cannot be checked: at %d of %d "
          "points it and the formula's are finite, off kinks and known to six "
          "digits, and %d are needed; leave it out",
          i, compared, kDerivativeCheckPoints, kLeastComparedPoints));
    }
  }
  return absl::OkStatus();
}

}  // namespace kiln
