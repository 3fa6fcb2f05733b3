#include "generators/math.h"

#include <initializer_list>
#include <limits>

namespace kiln {

using Halide::Expr;
using Halide::Type;

namespace {

// c[0] + x (c[1] + x (c[2] + ...)): a chain of FMAs.
Expr Polynomial(const Expr& x, std::initializer_list<double> coefficients) {
  Expr sum;
  for (auto c = std::rbegin(coefficients); c != std::rend(coefficients); ++c) {
    const Expr term = Halide::cast(x.type(), static_cast<float>(*c));
    sum = sum.defined() ? sum * x + term : term;
  }
  return sum;
}

Expr Constant(const Type& type, double value) {
  return Halide::Internal::make_const(type, value);
}

// Halide::strict_float would make all of both operands strict, and their
// polynomials lose the fused multiply-adds.
Expr StrictOperation(Halide::Internal::Call::IntrinsicOp operation,
                     const Expr& a, const Expr& b) {
  return Halide::Internal::Call::make(a.type(), operation, {a, b},
                                      Halide::Internal::Call::PureIntrinsic);
}

// 2^n for an integral n in [-126, 127], by its exponent bits.
Expr PowerOfTwo(const Expr& n) {
  return Halide::reinterpret<float>((n + 127) << 23);
}

}  // namespace

// By the bits: LLVM is told to assume that no operation gives a NaN, and folds
// Halide::is_nan of a sum that is still in a register to false.
Expr IsNan(const Expr& x) {
  const Type bits = x.type().with_code(Type::Int);
  const bool is_double = x.type().bits() == 64;
  const Expr magnitude =
      Halide::reinterpret(bits, x) &
      Halide::Internal::make_const(
          bits, is_double ? 0x7fffffffffffffff : int64_t{0x7fffffff});
  return magnitude >
         Halide::Internal::make_const(
             bits, is_double ? 0x7ff0000000000000 : int64_t{0x7f800000});
}

// As integers, since a select of floats may not give a NaN either, and becomes
// a max or min with one of its comparison.
Expr SelectBits(const Expr& condition, const Expr& a, const Expr& b) {
  // Float64 is for gradient checks at finite points, by Halide's derivative
  // among others, which knows no bits.
  if (a.type().bits() == 64) return Halide::select(condition, a, b);
  const Type bits = a.type().with_code(Type::Int);
  return Halide::reinterpret(
      a.type(), Halide::select(condition, Halide::reinterpret(bits, a),
                               Halide::reinterpret(bits, b)));
}

Expr Strictly(const Expr& x) {
  return x.type() == Halide::Float(64) ? x : Halide::strict_float(x);
}

// In float64 the operations themselves, which Halide's derivative knows.
Expr StrictAdd(const Expr& a, const Expr& b) {
  return a.type() == Halide::Float(64)
             ? a + b
             : StrictOperation(Halide::Internal::Call::strict_add, a, b);
}

Expr StrictSub(const Expr& a, const Expr& b) {
  return a.type() == Halide::Float(64)
             ? a - b
             : StrictOperation(Halide::Internal::Call::strict_sub, a, b);
}

Expr StrictMul(const Expr& a, const Expr& b) {
  return a.type() == Halide::Float(64)
             ? a * b
             : StrictOperation(Halide::Internal::Call::strict_mul, a, b);
}

Expr StrictDiv(const Expr& a, const Expr& b) {
  return a.type() == Halide::Float(64)
             ? a / b
             : StrictOperation(Halide::Internal::Call::strict_div, a, b);
}

Expr StrictMin(const Expr& a, const Expr& b) {
  return b.type() == Halide::Float(64)
             ? Halide::min(a, b)
             : StrictOperation(Halide::Internal::Call::strict_min, a, b);
}

Expr StrictMax(const Expr& a, const Expr& b) {
  return b.type() == Halide::Float(64)
             ? Halide::max(a, b)
             : StrictOperation(Halide::Internal::Call::strict_max, a, b);
}

// LLVM leaves the product out.
Expr MarkStrict(const Expr& x) { return StrictMul(x, Constant(x.type(), 1)); }

Expr IsGreater(const Expr& a, const Expr& b) {
  return Halide::strict_float(a > b);
}

Expr KeepNan(const Expr& x, const Expr& result) {
  return SelectBits(IsNan(x), x, result);
}

namespace {

// e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2) / 2; ln 2 in two parts,
// of which the first times n is exact. The polynomial's relative error is 3e-9.
// 2^n in two factors covers subnormal results and overflow to infinity. Strict
// is what has to be: the order of the two parts, of the last additions, whose
// operands are ever smaller, and of the factors, since 2^n alone may overflow
// where the result does not.
// Below -104 it is 0. REQUIRES: x <= 89, or NaN.
Expr ExpUpTo89(const Expr& x) {
  const Expr clamped = SelectBits(IsGreater(-104.0f, x), -104.0f, x);
  const Expr n = Halide::round(clamped * 1.44269504f);
  const Expr r =
      StrictSub(clamped, StrictMul(n, 0.693359375f)) - n * -2.12194440e-4f;
  const Expr tail =
      Polynomial(r, {0.49999993447660, 0.16666520630428, 0.04166838807266,
                     0.00836871699885, 0.00138145973402});
  const Expr e_r = StrictAdd(1.0f, r + r * r * tail);
  const Expr k = Halide::cast<int32_t>(n), half = k >> 1;
  return StrictMul(StrictMul(e_r, PowerOfTwo(half)), PowerOfTwo(k - half));
}

}  // namespace

Expr EmitExp(const Expr& x) {
  if (x.type().bits() == 64) return Halide::exp(x);
  return ExpUpTo89(SelectBits(IsGreater(x, 89.0f), 89.0f, x));
}

// log(x) = e ln 2 + log(1 + f) with x = 2^e (1 + f), sqrt(1/2) <= 1 + f <
// sqrt(2). The polynomial's relative error is 8e-10. Subnormal numbers are
// scaled up first.
Expr EmitLog(const Expr& x) {
  if (x.type().bits() == 64) return Halide::log(x);
  const Expr tiny = x < std::numeric_limits<float>::min();
  const Expr bits =
      Halide::reinterpret<int32_t>(Halide::select(tiny, x * 8388608.0f, x));
  const Expr offset = bits - 0x3f3504f3;  // the bits of sqrt(1/2): the exponent
                                          // of the quotient is now e
  const Expr e =
      Halide::cast<float>((offset >> 23) - Halide::select(tiny, 23, 0));
  const Expr m = Halide::reinterpret<float>((offset & 0x7fffff) + 0x3f3504f3);
  const Expr f = m - 1.0f;
  const Expr tail =
      Polynomial(f, {0.33333312603372, -0.25000009601744, 0.20002118699051,
                     -0.16667995750882, 0.14219551563337, -0.12405590299060,
                     0.11888169048084, -0.11675646004031, 0.06746618923433});
  const Expr log1p = f - (0.5f * f * f - f * f * f * tail);
  const Expr finite = e * 0.693359375f + (e * -2.12194440e-4f + log1p);
  // As bits, see SelectBits.
  const int infinity = 0x7f800000, nan = 0x7fc00000,
            minus_infinity = static_cast<int>(0xff800000);
  const Expr result = Halide::reinterpret<float>(
      Halide::select(x == 0.0f, minus_infinity, x < 0.0f, nan, bits == infinity,
                     infinity, Halide::reinterpret<int32_t>(finite)));
  return KeepNan(x, result);
}

// An odd rational approximation x P(u) / Q(u), u = x^2, both of degree 4, on
// [-9, 9], with relative error 2e-8. P begins with u^4, so its first step is an
// addition: those have units of their own on many cores, and multiply-adds are
// the limit here. Past 9 u stays 81 and the quotient is a multiple of x, more
// than the 1 that tanh is there in float32. Rounding must not carry it past 1
// elsewhere either: the derivative is 1 - y^2.
Expr EmitTanh(const Expr& x) {
  if (x.type().bits() == 64) return Halide::tanh(x);
  const Expr u = Halide::min(x * x, 81.0f);
  const Expr p = Polynomial(u, {74887214.70630397, 10020644.288030654,
                                261770.8512381336, 1543.289618283836, 1.0});
  const Expr q =
      Polynomial(u, {74887216.23221011, 34983036.46165056, 1937840.0263931926,
                     24604.541978373756, 58.23265467243446});
  return StrictMax(-1.0f, StrictMin(1.0f, StrictDiv(x * p, q)));
}

// With t = e^-|x| <= 1: 1 / (1 + t), times t on the negative side. Nothing
// overflows, and the small values keep their relative precision.
Expr EmitSigmoid(const Expr& x) {
  const Expr one = Constant(x.type(), 1), negative = -Halide::abs(x);
  const Expr t =
      x.type().bits() == 64 ? Halide::exp(negative) : ExpUpTo89(negative);
  const Expr numerator = Halide::select(x < Constant(x.type(), 0), t, one);
  return StrictDiv(numerator, one + t);
}

// Strictly, or LLVM may take a reciprocal estimate and two Newton steps.
Expr EmitSqrt(const Expr& x) { return Strictly(Halide::sqrt(x)); }

namespace {

// max and min that give NaN when either operand is NaN; constants are not. A
// false comparison takes the operand that may be NaN.
Expr EmitExtremum(const ScalarExpr& e, const Expr& a, const Expr& b) {
  const bool is_max = e.kind() == ScalarKind::kMax;
  const auto prefer = [&](const Expr& x, const Expr& other) {
    return SelectBits(is_max ? IsGreater(x, other) : IsGreater(other, x), x,
                      other);
  };
  if (e.operands()[1].kind() == ScalarKind::kConstant) return prefer(b, a);
  if (e.operands()[0].kind() == ScalarKind::kConstant) return prefer(a, b);
  return KeepNan(a, prefer(a, b));
}

// The condition of a select or factor, without the detour through 0 and 1.
Expr EmitCondition(const ScalarExpr& e, const std::vector<Expr>& args) {
  if (e.kind() == ScalarKind::kGreater)
    return IsGreater(Emit(e.operands()[0], args), Emit(e.operands()[1], args));
  const Expr value = Emit(e, args);
  return value != Constant(value.type(), 0);
}

}  // namespace

Expr Emit(const ScalarExpr& e, const std::vector<Expr>& args) {
  const Type type = args[0].type();
  const Expr zero = Constant(type, 0);
  const auto& x = e.operands();
  auto emit = [&](int i) { return Emit(x[i], args); };
  switch (e.kind()) {
    case ScalarKind::kConstant:
      return Constant(type, e.constant());
    case ScalarKind::kArg:
      return args[e.arg()];
    case ScalarKind::kNeg:
      return -emit(0);
    case ScalarKind::kAdd:
      return StrictAdd(emit(0), emit(1));
    case ScalarKind::kSub:
      return StrictSub(emit(0), emit(1));
    case ScalarKind::kMul:
      // That of a gate would become a masked move otherwise, by which an
      // adjoint of NaN is lost.
      return StrictMul(emit(0), emit(1));
    case ScalarKind::kDiv:
      return StrictDiv(emit(0), emit(1));
    case ScalarKind::kMax:
    case ScalarKind::kMin:
      return EmitExtremum(e, emit(0), emit(1));
    case ScalarKind::kExp:
      return EmitExp(emit(0));
    case ScalarKind::kLog:
      return EmitLog(emit(0));
    case ScalarKind::kTanh:
      return EmitTanh(emit(0));
    case ScalarKind::kSigmoid:
      return EmitSigmoid(emit(0));
    case ScalarKind::kSqrt:
      return EmitSqrt(emit(0));
    case ScalarKind::kGreater:
      return Halide::select(EmitCondition(e, args), Constant(type, 1), zero);
    case ScalarKind::kSelect:
      return Halide::select(EmitCondition(x[0], args), emit(1), emit(2));
  }
  return zero;
}

}  // namespace kiln
