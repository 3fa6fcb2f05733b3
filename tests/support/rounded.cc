#include "tests/support/rounded.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace kiln {
namespace {

// 2^-24, and a hundredth for the products of errors that first-order bounds
// leave out: they stay below that up to some 10^5 operations.
constexpr double kUnitRoundoff = 0x1p-24 * 1.01;

constexpr double kLambda = 8;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The likely error as the variance that adds, in units of its own.
double Variance(double error) { return (error / kLambda) * (error / kLambda); }

double SigmoidOf(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

// The error of f(x) where that of x is `error`.
using ErrorThrough = std::function<double(double error)>;

}  // namespace

class RoundedFunctions {
 public:
  // A single term, from its two errors.
  static Rounded Term(double value, double worst, double likely,
                      double roundings) {
    Rounded x;
    x.value_ = value;
    x.roundings_ = roundings;
    x.worst_ = {worst, std::abs(value) + worst};
    x.likely_ = {Variance(likely), std::abs(value) + likely};
    return x;
  }

  static Rounded Function(double value, const Rounded& x,
                          const ErrorThrough& error, double ulp) {
    // An ulp is at most two unit roundoffs of the value.
    return Term(value, error(x.worst_error()), error(x.likely_error()),
                2 * ulp);
  }

  // `x` with the worst error `worst`, where rounding may turn the comparison of
  // a with b around. Exact numbers compare in emitted code as they do here,
  // equal ones too.
  static Rounded WhereUndecided(const Rounded& x, const Rounded& a,
                                const Rounded& b, double worst) {
    const double error = a.worst_error() + b.worst_error();
    if (error == 0 || std::abs(a.value() - b.value()) > error) return x;
    return Term(x.value(), worst, x.likely_error(), 0);
  }

  static Rounded Select(const Rounded& condition, const Rounded& then,
                        const Rounded& otherwise) {
    const Rounded& taken = condition.value() != 0 ? then : otherwise;
    const Rounded& other = condition.value() != 0 ? otherwise : then;
    const double apart = std::abs(taken.value() - other.value());
    return WhereUndecided(
        taken, condition, condition.value(),
        std::max(taken.worst_error(), apart + other.worst_error()));
  }
};

namespace {

Rounded Tangent(const Rounded& x) {
  // The slope 1 - tanh^2 is steepest where |x| is least.
  return RoundedFunctions::Function(
      std::tanh(x.value()), x,
      [&](double error) {
        const double y = std::tanh(std::max(0.0, std::abs(x.value()) - error));
        return (1 - y * y) * error;
      },
      kTanhUlp);
}

Rounded Logistic(const Rounded& x) {
  return RoundedFunctions::Function(
      SigmoidOf(x.value()), x,
      [&](double error) {
        const double y = SigmoidOf(std::max(0.0, std::abs(x.value()) - error));
        return y * (1 - y) * error;
      },
      kSigmoidUlp);
}

Rounded SquareRoot(const Rounded& x) {
  const double value = std::sqrt(x.value());
  return RoundedFunctions::Function(
      value, x,
      [&](double error) {
        // Steepest at the least: sqrt(x) - sqrt(x - e) = e / (their sum).
        const double least = x.value() - error;
        if (error == 0) return 0.0;
        return least >= 0 ? error / (value + std::sqrt(least)) : kInfinity;
      },
      kSqrtUlp);
}

Rounded Greater(const Rounded& a, const Rounded& b) {
  return Decided(a.value() > b.value() ? 1.0 : 0.0, a, b, 1);
}

}  // namespace

Rounded::Rounded(double value) : value_(value) {
  const double error =
      std::isfinite(value) ? std::abs(value - static_cast<float>(value)) : 0;
  worst_ = {error, std::abs(value)};
  likely_ = {Variance(error), std::abs(value)};
}

double Rounded::roundings() const {
  return roundings_ + static_cast<double>(additions_);
}

double Rounded::worst_error() const {
  // Of exact terms, however large, no rounding is no error.
  if (roundings() == 0) return worst_.errors;
  return worst_.errors + roundings() * kUnitRoundoff * worst_.magnitude;
}

double Rounded::likely_error() const {
  const double one = roundings() == 0 ? 0 : kUnitRoundoff * likely_.magnitude;
  return kLambda * std::sqrt(likely_.errors + roundings() * one * one);
}

Rounded Rounded::operator-() const {
  Rounded x = *this;
  x.value_ = -value_;
  return x;
}

Rounded operator+(const Rounded& a, const Rounded& b) {
  if (a.worst_.magnitude == 0) return b;  // adding zero is exact
  if (b.worst_.magnitude == 0) return a;
  Rounded x;
  x.value_ = a.value_ + b.value_;
  x.roundings_ = std::max(a.roundings_, b.roundings_);
  x.additions_ = a.additions_ + b.additions_ + 1;
  x.worst_ = {a.worst_.errors + b.worst_.errors,
              a.worst_.magnitude + b.worst_.magnitude};
  x.likely_ = {a.likely_.errors + b.likely_.errors,
               a.likely_.magnitude + b.likely_.magnitude};
  return x;
}

Rounded operator*(const Rounded& a, const Rounded& b) {
  if (a.worst_.magnitude == 0 || b.worst_.magnitude == 0) return 0.0;
  const double x = std::abs(a.value_), y = std::abs(b.value_);
  const double ea = a.worst_error(), eb = b.worst_error();
  const double la = a.likely_error(), lb = b.likely_error();
  return RoundedFunctions::Term(a.value_ * b.value_, x * eb + y * ea + ea * eb,
                                std::hypot(x * lb, y * la, la * lb), 1);
}

Rounded operator/(const Rounded& a, const Rounded& b) {
  const double value = a.value_ / b.value_;
  auto error = [&](double ea, double eb) {
    const double least = std::abs(b.value_) - eb;
    return least > 0 ? (ea + std::abs(value) * eb) / least : kInfinity;
  };
  // Twice rounded: a division by a constant is emitted as a product with its
  // reciprocal.
  return RoundedFunctions::Term(value, error(a.worst_error(), b.worst_error()),
                                error(a.likely_error(), b.likely_error()), 2);
}

double Exponential(double x) { return std::exp(x); }
double Logarithm(double x) { return std::log(x); }
double Larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }
double WhereIndex(double index, int64_t k, double then) {
  return static_cast<int64_t>(index) == k ? then : 0;
}

Rounded Exponential(const Rounded& x) {
  const double value = std::exp(x.value());
  return RoundedFunctions::Function(
      value, x, [&](double error) { return value * std::expm1(error); },
      kExpUlp);
}

Rounded Logarithm(const Rounded& x) {
  return RoundedFunctions::Function(
      std::log(x.value()), x,
      [&](double error) {
        const double least = x.value() - error;
        return least > 0 ? error / least : kInfinity;
      },
      kLogUlp);
}

Rounded Larger(const Rounded& a, const Rounded& b) {
  const Rounded& larger =
      std::isnan(a.value()) || a.value() > b.value() ? a : b;
  // Moves by no more than what moves most.
  return RoundedFunctions::WhereUndecided(
      larger, a, b, std::max(a.worst_error(), b.worst_error()));
}

Rounded WhereIndex(const Rounded& index, int64_t k, const Rounded& then) {
  const bool here = static_cast<int64_t>(index.value()) == k;
  return RoundedFunctions::WhereUndecided(
      here ? then : 0.0, index, index.value(),
      std::abs(then.value()) + then.worst_error());
}

Rounded EitherWay(const Rounded& a, const Rounded& b) {
  if (b.worst_error() <= a.worst_error() &&
      b.likely_error() <= a.likely_error())
    return a;
  return RoundedFunctions::Term(
      a.value(), std::max(a.worst_error(), b.worst_error()),
      std::max(a.likely_error(), b.likely_error()), 0);
}

Rounded Decided(const Rounded& x, const Rounded& a, const Rounded& b,
                double other) {
  return RoundedFunctions::WhereUndecided(x, a, b,
                                          std::max(x.worst_error(), other));
}

double EvaluateWith(const ScalarExpr& e, absl::Span<const double> args) {
  return Evaluate(e, args);
}

Rounded EvaluateWith(const ScalarExpr& e, absl::Span<const Rounded> args) {
  std::vector<Rounded> x;
  for (const ScalarExpr& operand : e.operands())
    x.push_back(EvaluateWith(operand, args));
  switch (e.kind()) {
    case ScalarKind::kConstant:
      return e.constant();
    case ScalarKind::kArg:
      return args[e.arg()];
    case ScalarKind::kNeg:
      return -x[0];
    case ScalarKind::kAdd:
      return x[0] + x[1];
    case ScalarKind::kSub:
      return x[0] - x[1];
    case ScalarKind::kMul:
      return x[0] * x[1];
    case ScalarKind::kDiv:
      return x[0] / x[1];
    case ScalarKind::kMax:
      return Larger(x[0], x[1]);
    case ScalarKind::kMin:
      return -Larger(-x[0], -x[1]);
    case ScalarKind::kExp:
      return Exponential(x[0]);
    case ScalarKind::kLog:
      return Logarithm(x[0]);
    case ScalarKind::kTanh:
      return Tangent(x[0]);
    case ScalarKind::kSigmoid:
      return Logistic(x[0]);
    case ScalarKind::kSqrt:
      return SquareRoot(x[0]);
    case ScalarKind::kGreater: {
      // A number is never greater than itself, whatever its error.
      const bool same =
          e.operands()[0].ToString() == e.operands()[1].ToString();
      return same ? 0.0 : Greater(x[0], x[1]);
    }
    case ScalarKind::kSelect:
      return RoundedFunctions::Select(x[0], x[1], x[2]);
  }
  return RoundedFunctions::Term(0, kInfinity, kInfinity, 0);
}

}  // namespace kiln
