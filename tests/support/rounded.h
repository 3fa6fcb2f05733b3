// Arithmetic that carries a bound on the rounding errors of float32 code: a
// reference written with this type instead of double says, element by element,
// how far emitted code may be from it.
//
// With the unit roundoff u = 2^-24, float32 computes fl(a op b) = (a op b)(1 +
// d), |d| <= u. A sum of products has many legal orders: lanes, tiles, fused
// multiply-adds and horizontal sums all change it. So a sum is kept apart as
// what bounds every order: if each term has an error of its own, and passed
// through at most `roundings` roundings before n - 1 additions, then
//
//   |error| <= (errors of the terms) + (roundings + n - 1) u (sum of |terms|)
//
// to first order (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
// edition, equations 3.5 and 4.4). A product or a function of a sum turns it
// into a single term. Elementary functions have the errors in ulp that
// tests/generators/math_test.cc measures over all of float32.
#ifndef KILN_TESTS_SUPPORT_ROUNDED_H_
#define KILN_TESTS_SUPPORT_ROUNDED_H_

#include <cstdint>

#include "absl/types/span.h"
#include "dsl/scalar_expr.h"

namespace kiln {

class Rounded {
 public:
  Rounded() = default;

  // A constant: emitted code has the nearest float32.
  Rounded(double value);  // NOLINT: constants in formulas read as written.

  // `value` with this absolute error, rounded this many times since.
  static Rounded Term(double value, double error, double roundings);

  double value() const { return value_; }

  // What emitted code may differ from value() by; infinite where a division or
  // a logarithm could be of zero.
  double error() const;

  Rounded operator-() const;
  friend Rounded operator+(const Rounded& a, const Rounded& b);
  friend Rounded operator-(const Rounded& a, const Rounded& b) {
    return a + -b;
  }
  friend Rounded operator*(const Rounded& a, const Rounded& b);
  friend Rounded operator/(const Rounded& a, const Rounded& b);
  Rounded& operator+=(const Rounded& b) { return *this = *this + b; }

 private:
  double value_ = 0;
  double inherited_ = 0;  // errors of the terms
  double magnitude_ = 0;  // sum of |terms|
  double roundings_ = 0;  // of the term that has most
  int64_t additions_ = 0;
};

// What references are written with, for double and Rounded alike.
double Exponential(double x);
double Logarithm(double x);
double Larger(double a, double b);  // NaN if either is
// `then` if index is k, else 0.
double WhereIndex(double index, int64_t k, double then);
// 1 if a > b, else 0.
double IsGreater(double a, double b);

Rounded Exponential(const Rounded& x);
Rounded Logarithm(const Rounded& x);
Rounded Larger(const Rounded& a, const Rounded& b);
Rounded WhereIndex(const Rounded& index, int64_t k, const Rounded& then);
Rounded IsGreater(const Rounded& a, const Rounded& b);

inline double ValueOf(double x) { return x; }
inline double ValueOf(const Rounded& x) { return x.value(); }

// `x`, which was decided by comparing a with b; where emitted code may have
// decided otherwise, its error is `other`.
inline double Decided(double x, double, double, double) { return x; }
Rounded Decided(const Rounded& x, const Rounded& a, const Rounded& b,
                double other);

// The value of the expression; for double this is Evaluate of the DSL.
double EvaluateWith(const ScalarExpr& e, absl::Span<const double> args);
Rounded EvaluateWith(const ScalarExpr& e, absl::Span<const Rounded> args);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_ROUNDED_H_
