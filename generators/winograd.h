// Winograd's minimal filtering F(m, r) along one axis: m neighbouring outputs
// of a correlation with r taps by m + r - 1 multiplications instead of m r
// (S. Winograd, Arithmetic Complexity of Computations, 1980, chapter 3; for
// convolutions A. Lavin and S. Gray, arXiv:1509.09308).
//
// It is Toom and Cook's multiplication of polynomials, transposed: outputs and
// taps are coefficients, which are evaluated at m + r - 1 points, 0, +-1, +-2,
// +-1/2 and infinity, and multiplied there. With g the taps and d the m + r - 1
// inputs,
//   y = A^T (G g * B^T d),                        * by elements,
// and the adjoints follow, since it is linear in each of both:
//   dd = B (G g * A dy),   dg = G^T (A dy * B^T d).
// A is Evaluate of m coefficients and G that of r, Divided.
#ifndef KILN_GENERATORS_WINOGRAD_H_
#define KILN_GENERATORS_WINOGRAD_H_

#include <vector>

#include "Halide.h"

namespace kiln {

class Winograd {
 public:
  // REQUIRES: outputs + taps is 5, 7 or 9.
  Winograd(int outputs, int taps);

  int outputs() const { return outputs_; }
  int taps() const { return taps_; }
  int points() const { return outputs_ + taps_ - 1; }

  // The vectors are of one element a point, in the order 0, then each pair of
  // +a and -a, then infinity. Elements are Exprs of one type.
  using Elements = std::vector<Halide::Expr>;

  // A polynomial's values at the points; of degree coefficients.size() - 1.
  Elements Evaluate(const Elements& coefficients) const;
  // Of a polynomial of degree 1 the value at one point, whose number may be a
  // loop's: three operations, not one for each point and a choice.
  Halide::Expr EvaluateAt(const Halide::Expr& constant,
                          const Halide::Expr& linear,
                          const Halide::Expr& point) const;
  // The transpose, to so many coefficients.
  Elements EvaluateTransposed(const Elements& values, int coefficients) const;
  // B^T: what is multiplied by the taps at the points, of points() inputs.
  Elements Window(const Elements& inputs) const;
  // B.
  Elements WindowTransposed(const Elements& values) const;
  // Each value of the taps divided by what it is too large by at its point.
  Elements Divided(Elements values) const;

 private:
  double Divisor(int point) const;

  const int outputs_, taps_;
  std::vector<double> pairs_;  // a of each pair
  // For each pair the product of t - b^2 over the other pairs +-b, and over
  // all: coefficients of powers of t, the lowest first.
  std::vector<std::vector<double>> others_;
  std::vector<double> all_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_WINOGRAD_H_
