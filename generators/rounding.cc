#include "generators/rounding.h"

#include <string>

namespace kiln {

using Halide::Expr;
using Halide::Type;
using namespace Halide::Internal;

namespace {

Expr Strict(Call::IntrinsicOp operation, const Expr& a, const Expr& b) {
  return Call::make(a.type(), operation, {a, b}, Call::PureIntrinsic);
}

// a b + c, rounded once.
Expr Fma(const Expr& a, const Expr& b, const Expr& c) {
  return Call::make(c.type(),
                    c.type().bits() == 64 ? "llvm.fma.f64" : "llvm.fma.f32",
                    {a, b, c}, Call::PureExtern);
}

// Exact: LLVM makes a change of sign of it, or another instruction of the
// multiply-add that reads it.
Expr Negated(const Expr& a) {
  return Strict(Call::strict_mul, a, make_const(a.type(), -1));
}

// The sums of `factor` neighbouring lanes each. Halves of one sum are dense;
// lanes of several are neither shuffled more nor less when halved pairwise.
Expr SumOfLanes(const Expr& value, int lanes) {
  const int all = value.type().lanes();
  if (all == lanes) return value;
  const int factor = all / lanes;
  const std::string name = unique_name("lanes");
  const Expr of = Variable::make(value.type(), name);
  Expr sum;
  if (factor % 2 == 0) {
    const int half = all / 2;
    const bool dense = lanes == 1;
    const Expr first = Shuffle::make_slice(of, 0, dense ? 1 : 2, half),
               second = Shuffle::make_slice(of, dense ? half : 1, dense ? 1 : 2,
                                            half);
    sum = SumOfLanes(Strict(Call::strict_add, first, second), lanes);
  } else {
    for (int i = 0; i < factor; ++i) {
      const Expr next = Shuffle::make_slice(of, i, factor, lanes);
      sum = sum.defined() ? Strict(Call::strict_add, sum, next) : next;
    }
  }
  return Let::make(name, value, sum);
}

// The product of t[i] = t[i] + a b, or null.
const Mul* ProductAdded(const Store* op) {
  const Add* add = op->value.as<Add>();
  if (add == nullptr || !add->type.is_float()) return nullptr;
  const auto reads_it = [&](const Expr& e) {
    const Load* load = e.as<Load>();
    return load != nullptr && load->name == op->name &&
           equal(load->index, op->index);
  };
  if (reads_it(add->a)) return add->b.as<Mul>();
  if (reads_it(add->b)) return add->a.as<Mul>();
  return nullptr;
}

}  // namespace

Stmt RoundingPass::visit(const Store* op) {
  const Mul* product = ProductAdded(op);
  if (product == nullptr || !has_fma_) return IRMutator::visit(op);
  const Expr place = Load::make(op->value.type(), op->name, mutate(op->index),
                                Halide::Buffer<>(), op->param,
                                mutate(op->predicate), op->alignment);
  const Expr sum =
      Add::make(place, Mul::make(mutate(product->a), mutate(product->b)));
  return Store::make(op->name, sum, mutate(op->index), op->param,
                     mutate(op->predicate), op->alignment);
}

RoundingPass::RoundingPass(const Halide::Target& target)
    : has_fma_(target.has_feature(Halide::Target::FMA) ||
               target.has_feature(Halide::Target::AVX2)) {}

Expr RoundingPass::visit(const Add* op) {
  if (!op->type.is_float()) return IRMutator::visit(op);
  const Mul* product = op->b.as<Mul>();
  const bool is_second = product != nullptr;
  if (!is_second) product = op->a.as<Mul>();
  if (product == nullptr || !has_fma_)
    return Strict(Call::strict_add, mutate(op->a), mutate(op->b));
  return Fma(mutate(product->a), mutate(product->b),
             mutate(is_second ? op->a : op->b));
}

Expr RoundingPass::visit(const Sub* op) {
  if (!op->type.is_float()) return IRMutator::visit(op);
  if (has_fma_) {
    if (const Mul* product = op->b.as<Mul>())
      return Fma(Negated(mutate(product->a)), mutate(product->b),
                 mutate(op->a));
    if (const Mul* product = op->a.as<Mul>())
      return Fma(mutate(product->a), mutate(product->b),
                 Negated(mutate(op->b)));
  }
  return Strict(Call::strict_sub, mutate(op->a), mutate(op->b));
}

Expr RoundingPass::visit(const Mul* op) {
  if (!op->type.is_float()) return IRMutator::visit(op);
  return Strict(Call::strict_mul, mutate(op->a), mutate(op->b));
}

Expr RoundingPass::visit(const Div* op) {
  if (!op->type.is_float()) return IRMutator::visit(op);
  return Strict(Call::strict_div, mutate(op->a), mutate(op->b));
}

Expr RoundingPass::visit(const VectorReduce* op) {
  if (!op->type.is_float() || op->op != VectorReduce::Add)
    return IRMutator::visit(op);
  return SumOfLanes(mutate(op->value), op->type.lanes());
}

}  // namespace kiln
