#include "tests/support/rounded.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace kiln {
namespace {

// 2^-24, and a hundredth for the products of errors that first-order bounds
// leave out: they stay below that up to some 10^5 operations.
constexpr double kUnitRoundoff = 0x1p-24 * 1.01;

// Worst errors of the emitted functions in ulp, rounded up; an ulp is at most
// two unit roundoffs of the value. Asserted by tests/generators/math_test.cc.
constexpr double kExpUlp = 1.1, kLogUlp = 1.7, kTanhUlp = 5.2,
                 kSigmoidUlp = 2.5;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Rounded Function(double value, double error, double ulp) {
  return Rounded::Term(value, error, 2 * ulp);
}

double SigmoidOf(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

// |x| at least, given its error.
double Least(const Rounded& x) {
  return std::max(0.0, std::abs(x.value()) - x.error());
}

Rounded Tangent(const Rounded& x) {
  // The slope 1 - tanh^2 is steepest where |x| is least.
  const double y = std::tanh(Least(x));
  return Function(std::tanh(x.value()), (1 - y * y) * x.error(), kTanhUlp);
}

Rounded Logistic(const Rounded& x) {
  const double y = SigmoidOf(Least(x));
  return Function(SigmoidOf(x.value()), y * (1 - y) * x.error(), kSigmoidUlp);
}

bool MayBeZero(const Rounded& x) { return std::abs(x.value()) <= x.error(); }

// Whether rounding may turn the comparison of a with b around. Exact numbers
// compare in emitted code as they do here, equal ones too.
bool Undecided(const Rounded& a, const Rounded& b) {
  const double error = a.error() + b.error();
  return error > 0 && std::abs(a.value() - b.value()) <= error;
}

Rounded SelectOf(const Rounded& condition, const Rounded& then,
                 const Rounded& otherwise) {
  const Rounded& taken = condition.value() != 0 ? then : otherwise;
  if (condition.error() == 0) return taken;
  const Rounded& other = condition.value() != 0 ? otherwise : then;
  const double apart = std::abs(taken.value() - other.value());
  return Rounded::Term(taken.value(),
                       std::max(taken.error(), apart + other.error()), 0);
}

}  // namespace

Rounded::Rounded(double value)
    : value_(value),
      inherited_(std::isfinite(value)
                     ? std::abs(value - static_cast<float>(value))
                     : 0),
      magnitude_(std::abs(value)) {}

Rounded Rounded::Term(double value, double error, double roundings) {
  Rounded x;
  x.value_ = value;
  x.inherited_ = error;
  x.magnitude_ = std::abs(value) + error;
  x.roundings_ = roundings;
  return x;
}

double Rounded::error() const {
  const double roundings = roundings_ + static_cast<double>(additions_);
  return roundings == 0 ? inherited_
                        : inherited_ + roundings * kUnitRoundoff * magnitude_;
}

Rounded Rounded::operator-() const {
  Rounded x = *this;
  x.value_ = -value_;
  return x;
}

Rounded operator+(const Rounded& a, const Rounded& b) {
  if (a.magnitude_ == 0) return b;  // adding zero is exact
  if (b.magnitude_ == 0) return a;
  Rounded x;
  x.value_ = a.value_ + b.value_;
  x.inherited_ = a.inherited_ + b.inherited_;
  x.magnitude_ = a.magnitude_ + b.magnitude_;
  x.roundings_ = std::max(a.roundings_, b.roundings_);
  x.additions_ = a.additions_ + b.additions_ + 1;
  return x;
}

Rounded operator*(const Rounded& a, const Rounded& b) {
  const double ea = a.error(), eb = b.error();
  if (a.magnitude_ == 0 || b.magnitude_ == 0) return 0.0;
  return Rounded::Term(
      a.value_ * b.value_,
      std::abs(a.value_) * eb + std::abs(b.value_) * ea + ea * eb, 1);
}

Rounded operator/(const Rounded& a, const Rounded& b) {
  const double value = a.value_ / b.value_;
  if (MayBeZero(b)) return Rounded::Term(value, kInfinity, 0);
  const double ea = a.error(), eb = b.error();
  // Twice rounded: a division by a constant is emitted as a product with its
  // reciprocal.
  return Rounded::Term(
      value, (ea + std::abs(value) * eb) / (std::abs(b.value_) - eb), 2);
}

double Exponential(double x) { return std::exp(x); }
double Logarithm(double x) { return std::log(x); }
double Larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }
double WhereIndex(double index, int64_t k, double then) {
  return static_cast<int64_t>(index) == k ? then : 0;
}
double IsGreater(double a, double b) { return a > b ? 1 : 0; }

Rounded Exponential(const Rounded& x) {
  const double value = std::exp(x.value());
  return Function(value, value * std::expm1(x.error()), kExpUlp);
}

Rounded Logarithm(const Rounded& x) {
  const double least = x.value() - x.error();
  return Function(std::log(x.value()),
                  least > 0 ? x.error() / least : kInfinity, kLogUlp);
}

Rounded Larger(const Rounded& a, const Rounded& b) {
  const bool first = std::isnan(a.value()) || a.value() > b.value();
  if (!Undecided(a, b)) return first ? a : b;
  // Moves by no more than what moves most.
  return Rounded::Term(first ? a.value() : b.value(),
                       std::max(a.error(), b.error()), 0);
}

Rounded WhereIndex(const Rounded& index, int64_t k, const Rounded& then) {
  const bool here = static_cast<int64_t>(index.value()) == k;
  if (index.error() == 0) return here ? then : 0.0;
  return Rounded::Term(here ? then.value() : 0,
                       std::abs(then.value()) + then.error(), 0);
}

Rounded IsGreater(const Rounded& a, const Rounded& b) {
  return Decided(a.value() > b.value() ? 1.0 : 0.0, a, b, 1);
}

Rounded Decided(const Rounded& x, const Rounded& a, const Rounded& b,
                double other) {
  if (!Undecided(a, b)) return x;
  return Rounded::Term(x.value(), std::max(x.error(), other), 0);
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
    case ScalarKind::kGreater:
      return IsGreater(x[0], x[1]);
    case ScalarKind::kSelect:
      return SelectOf(x[0], x[1], x[2]);
  }
  return Rounded::Term(0, kInfinity, 0);
}

}  // namespace kiln
