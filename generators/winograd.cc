#include "generators/winograd.h"

#include <cassert>
#include <cmath>

namespace kiln {

using Halide::Expr;

namespace {

using Elements = Winograd::Elements;

// `sum` + factor * term; what is undefined is 0.
Expr PlusTimes(const Expr& sum, double factor, const Expr& term) {
  if (factor == 0 || !term.defined()) return sum;
  if (sum.defined() && factor == 1) return sum + term;
  if (sum.defined() && factor == -1) return sum - term;
  const Expr product =
      factor == 1 ? term
                  : Halide::Internal::make_const(term.type(), factor) * term;
  return sum.defined() ? sum + product : product;
}

// What begins with a factor of 1 needs no multiplication first.
Expr Sum(const std::vector<double>& factors, const Elements& terms) {
  Expr sum;
  size_t first = 0;
  while (first < factors.size() && factors[first] != 1) ++first;
  if (first < factors.size()) sum = terms[first];
  for (size_t i = 0; i < factors.size(); ++i) {
    if (i != first) sum = PlusTimes(sum, factors[i], terms[i]);
  }
  return sum;
}

// The product of t - b^2 over all but pair `left_out`.
std::vector<double> Product(const std::vector<double>& pairs, size_t left_out) {
  std::vector<double> product = {1};
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i == left_out) continue;
    product.insert(product.begin(), 0);
    for (size_t k = 0; k + 1 < product.size(); ++k)
      product[k] -= pairs[i] * pairs[i] * product[k + 1];
  }
  return product;
}

// Every second element from `first` on.
Elements EverySecond(const Elements& elements, size_t first, size_t count) {
  Elements some;
  for (size_t i = 0; i < count; ++i) some.push_back(elements[first + 2 * i]);
  return some;
}

}  // namespace

Winograd::Winograd(int outputs, int taps) : outputs_(outputs), taps_(taps) {
  assert(points() % 2 == 0 && points() >= 4 && points() <= 8);
  const double kPairs[] = {1, 2, 0.5};
  pairs_.assign(kPairs, kPairs + (points() - 2) / 2);
  for (size_t i = 0; i < pairs_.size(); ++i)
    others_.push_back(Product(pairs_, i));
  all_ = Product(pairs_, pairs_.size());
}

double Winograd::Divisor(int point) const {
  if (point == 0) return all_[0];
  if (point == points() - 1) return 1;
  // a (a - -a), times (a - b) (a + b) of all others; of -a the same.
  const size_t pair = (point - 1) / 2;
  const double square = pairs_[pair] * pairs_[pair];
  double others = 0, power = 1;
  for (const double factor : others_[pair]) {
    others += factor * power;
    power *= square;
  }
  return 2 * square * others;
}

Elements Winograd::Divided(Elements values) const {
  for (int i = 0; i < points(); ++i) {
    Expr& value = values[i];
    value = value * Halide::Internal::make_const(value.type(), 1 / Divisor(i));
  }
  return values;
}

Elements Winograd::Evaluate(const Elements& coefficients) const {
  Elements values = {coefficients.front()};
  for (const double a : pairs_) {
    std::vector<double> even(coefficients.size()), odd(coefficients.size());
    for (size_t k = 0; k < coefficients.size(); ++k)
      (k % 2 == 0 ? even : odd)[k] = std::pow(a, static_cast<double>(k));
    const Expr of_even = Sum(even, coefficients),
               of_odd = Sum(odd, coefficients);
    values.push_back(of_even + of_odd);
    values.push_back(of_even - of_odd);
  }
  values.push_back(coefficients.back());
  return values;
}

Expr Winograd::EvaluateAt(const Expr& constant, const Expr& linear,
                          const Expr& point) const {
  const auto real = [&](double value) {
    return Halide::Internal::make_const(constant.type(), value);
  };
  Elements factors = {real(0)};
  for (const double a : pairs_) {
    factors.push_back(real(a));
    factors.push_back(real(-a));
  }
  factors.push_back(real(0));
  // Not by the factors at 0 and infinity, lest one coefficient's NaN is met at
  // the other's point.
  return Halide::select(point == 0, constant, point == points() - 1, linear,
                        constant + Halide::mux(point, factors) * linear);
}

Elements Winograd::EvaluateTransposed(const Elements& values,
                                      int coefficients) const {
  Elements sums, differences;
  for (size_t pair = 0; pair < pairs_.size(); ++pair) {
    sums.push_back(values[1 + 2 * pair] + values[2 + 2 * pair]);
    differences.push_back(values[1 + 2 * pair] - values[2 + 2 * pair]);
  }
  Elements result;
  for (int k = 0; k < coefficients; ++k) {
    std::vector<double> powers;
    for (const double a : pairs_) powers.push_back(std::pow(a, k));
    Expr sum = Sum(powers, k % 2 == 0 ? sums : differences);
    if (k == 0) sum = values.front() + sum;
    if (k == coefficients - 1) sum = sum + values.back();
    result.push_back(sum);
  }
  return result;
}

// The coefficients of the product of x - q over all finite points q but the
// point itself, over all of them for infinity.
Elements Winograd::Window(const Elements& inputs) const {
  const size_t half = pairs_.size();
  Elements values = {Sum(all_, EverySecond(inputs, 0, half + 1))};
  for (size_t pair = 0; pair < half; ++pair) {
    const Expr even = Sum(others_[pair], EverySecond(inputs, 2, half)),
               odd = Sum(others_[pair], EverySecond(inputs, 1, half));
    values.push_back(PlusTimes(even, pairs_[pair], odd));
    values.push_back(PlusTimes(even, -pairs_[pair], odd));
  }
  values.push_back(Sum(all_, EverySecond(inputs, 1, half + 1)));
  return values;
}

Elements Winograd::WindowTransposed(const Elements& values) const {
  const int half = static_cast<int>(pairs_.size());
  Elements inputs(points());
  for (int i = 0; i <= half; ++i) {
    inputs[2 * i] = PlusTimes(inputs[2 * i], all_[i], values.front());
    inputs[2 * i + 1] = PlusTimes(inputs[2 * i + 1], all_[i], values.back());
  }
  for (int pair = 0; pair < half; ++pair) {
    const Expr& plus = values[1 + 2 * pair];
    const Expr& minus = values[2 + 2 * pair];
    for (int i = 0; i < half; ++i) {
      const double factor = others_[pair][i];
      inputs[2 * i + 2] = PlusTimes(inputs[2 * i + 2], factor, plus + minus);
      inputs[2 * i + 1] =
          PlusTimes(inputs[2 * i + 1], pairs_[pair] * factor, plus - minus);
    }
  }
  return inputs;
}

}  // namespace kiln
