// Arithmetic that carries bounds on the rounding errors of float32 code: a
// reference written with this type instead of double says, element by element,
// how far emitted code may be from it.
//
// With the unit roundoff u = 2^-24, float32 computes fl(a op b) = (a op b)(1 +
// d), |d| <= u. A sum of products has many legal orders: lanes, tiles, fused
// multiply-adds and horizontal sums all change it. So a sum is kept as what
// bounds every order: if no term passed through more than r roundings before
// the n - 1 additions, then, to first order,
//
//   |error| <= sum of the terms' errors + (r + n - 1) u sum of |terms|
//
// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., equations
// 3.5 and 4.4). A product or a function of a sum makes it a single term.
// Elementary functions have the errors in ulp that
// tests/generators/math_test.cc measures over all of float32. This worst case
// is what single operations are held to.
//
// Through many layers the worst case multiplies up to nothing of use, and some
// maximum is so close to a tie that rounding decides it, which moves a whole
// gradient from one place to another. There the likely error holds: roundings
// as independent random numbers of mean zero, whose variances add, operands
// with uncorrelated errors, and comparisons that come out as in double. It is
// passed with probability 2 exp(-lambda^2 / 2) a number at most (Higham and
// Mary, A New Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci.
// Comput. 41, 2019); lambda is 8, so 3e-14.
#ifndef KILN_TESTS_SUPPORT_ROUNDED_H_
#define KILN_TESTS_SUPPORT_ROUNDED_H_

#include <cstdint>

#include "absl/types/span.h"
#include "dsl/scalar_expr.h"

namespace kiln {

// The worst errors of the emitted functions over all of float32, in ulp of the
// exact result. tests/generators/math_test.cc asserts them.
inline constexpr double kExpUlp = 1.0;
inline constexpr double kLogUlp = 1.6;
inline constexpr double kTanhUlp = 5.3;
inline constexpr double kSigmoidUlp = 2.5;
inline constexpr double kSqrtUlp = 0.5;

class Rounded {
 public:
  Rounded() = default;

  // A constant: emitted code has the nearest float32.
  Rounded(double value);  // NOLINT: constants in formulas read as written.

  double value() const { return value_; }

  // What emitted code may differ from value() by: at the very worst, and
  // likely. Infinite where a division or a logarithm could be of zero.
  double worst_error() const;
  double likely_error() const;

  Rounded operator-() const;
  friend Rounded operator+(const Rounded& a, const Rounded& b);
  friend Rounded operator-(const Rounded& a, const Rounded& b) {
    return a + -b;
  }
  friend Rounded operator*(const Rounded& a, const Rounded& b);
  friend Rounded operator/(const Rounded& a, const Rounded& b);
  Rounded& operator+=(const Rounded& b) { return *this = *this + b; }

 private:
  friend class RoundedFunctions;

  // That the term with most of them passed through, and the sum.
  double roundings() const;

  // Of the terms of a sum: their errors (of the likely ones, the variances) and
  // their absolute values.
  struct Terms {
    double errors = 0;
    double magnitude = 0;
  };

  double value_ = 0;
  double roundings_ = 0;  // of the term that has most
  int64_t additions_ = 0;
  Terms worst_, likely_;
};

// What references are written with, for double and Rounded alike.
double Exponential(double x);
double Logarithm(double x);
double Larger(double a, double b);  // NaN if either is
// `then` if index is k, else 0.
double WhereIndex(double index, int64_t k, double then);

Rounded Exponential(const Rounded& x);
Rounded Logarithm(const Rounded& x);
Rounded Larger(const Rounded& a, const Rounded& b);
Rounded WhereIndex(const Rounded& index, int64_t k, const Rounded& then);

// `a`, which emitted code may compute as `a` or as `b`.
Rounded EitherWay(const Rounded& a, const Rounded& b);

inline double ValueOf(double x) { return x; }
inline double ValueOf(const Rounded& x) { return x.value(); }

// `x`, which was decided by comparing a with b; where emitted code may have
// decided otherwise, its worst error is `other`.
inline double Decided(double x, double, double, double) { return x; }
Rounded Decided(const Rounded& x, const Rounded& a, const Rounded& b,
                double other);

// The value of the expression; for double this is Evaluate of the DSL.
double EvaluateWith(const ScalarExpr& e, absl::Span<const double> args);
Rounded EvaluateWith(const ScalarExpr& e, absl::Span<const Rounded> args);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_ROUNDED_H_
