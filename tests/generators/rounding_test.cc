// The pass fixes how operations round, and costs no vector instruction.
#include "generators/rounding.h"

#include <cmath>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/math.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using Halide::Buffer;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Target;
using Halide::Var;

constexpr char kAvx2[] = "x86-64-linux-avx-avx2-f16c-fma-sse41",
               kAvx512[] =
                   "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41",
               kSse[] = "x86-64-linux-sse41";

// Numbers of which products and sums are rarely exact.
Buffer<float> Numbers(int count, int first) {
  Buffer<float> numbers(count);
  for (int i = 0; i < count; ++i)
    numbers(i) = std::sin(1.37f * static_cast<float>(first + i));
  return numbers;
}

Buffer<float> Realize(Func f, int count) {
  Halide::Pipeline pipeline(f);
  const Target target = Halide::get_jit_target_from_environment();
  pipeline.add_custom_lowering_pass(new RoundingPass(target));
  return pipeline.realize({count}, target);
}

int Count(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return static_cast<int>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex),
                    std::sregex_iterator()));
}

std::string Assembly(Func f, const std::vector<Halide::Argument>& arguments,
                     const std::string& target, bool with_pass = true) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/f.s";
  const Target whole = Target(target)
                           .with_feature(Target::NoRuntime)
                           .with_feature(Target::NoAsserts);
  Halide::Pipeline pipeline(f);
  if (with_pass) pipeline.add_custom_lowering_pass(new RoundingPass(whole));
  pipeline.compile_to_assembly(path, arguments, "f", whole);
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr int kCount = 64;

TEST(RoundingPassTest, ProductsAndSumsRoundOnceOnlyTogether) {
  const Buffer<float> a = Numbers(kCount, 0), b = Numbers(kCount, 100),
                      c = Numbers(kCount, 200);
  const Var x("x");
  Func plus("plus"), minus("minus"), from("from"), apart("apart");
  plus(x) = MarkStrict(a(x) * b(x) + c(x));
  minus(x) = MarkStrict(c(x) - a(x) * b(x));
  from(x) = MarkStrict(a(x) * b(x) - c(x));
  apart(x) = StrictAdd(a(x) * b(x), c(x));
  for (Func f : {plus, minus, from, apart}) f.vectorize(x, 8);
  const Buffer<float> sums = Realize(plus, kCount),
                      differences = Realize(minus, kCount),
                      others = Realize(from, kCount),
                      twice = Realize(apart, kCount);
  const bool has_fma =
      Halide::get_jit_target_from_environment().has_feature(Target::FMA);
  int different = 0;
  for (int i = 0; i < kCount; ++i) {
    volatile float product = a(i) * b(i);  // rounded
    const float sum = product + c(i);
    EXPECT_EQ(twice(i), sum);
    EXPECT_EQ(sums(i), has_fma ? std::fma(a(i), b(i), c(i)) : sum);
    EXPECT_EQ(differences(i),
              has_fma ? std::fma(-a(i), b(i), c(i)) : c(i) - product);
    EXPECT_EQ(others(i),
              has_fma ? std::fma(a(i), b(i), -c(i)) : product - c(i));
    different += sums(i) != sum;
  }
  if (has_fma) EXPECT_GT(different, 0) << "or the numbers show nothing";
}

// LLVM may multiply in any order what it thinks is fast.
TEST(RoundingPassTest, ProductsRoundInTheOrderWritten) {
  const Buffer<float> a = Numbers(kCount, 0), b = Numbers(kCount, 100);
  const Var x("x");
  Func f("f");
  f(x) = MarkStrict(a(x) * b(x) * (a(x) * a(x)));
  f.vectorize(x, 8);
  const Buffer<float> products = Realize(f, kCount);
  for (int i = 0; i < kCount; ++i) {
    volatile float left = a(i) * b(i), right = a(i) * a(i);
    EXPECT_EQ(products(i), left * right);
  }
}

// Neighbours first where there are several sums, halves where there is one.
TEST(RoundingPassTest, LanesAreSummedAsATree) {
  for (const int sums : {1, 4}) {
    const int lanes = 32 / sums;
    const Buffer<float> numbers = Numbers(32, 0);
    const Var x("x");
    const RDom r(0, lanes, "r");
    Func f("f"), g("g");
    f(x) = 0.0f;
    f(x) += numbers(r + lanes * x);
    f.bound(x, 0, sums).vectorize(x);
    f.update().reorder(r.x, x).atomic().vectorize(r.x).vectorize(x);
    g(x) = MarkStrict(f(x));
    f.compute_root();
    const Buffer<float> result = Realize(g, sums);
    for (int s = 0; s < sums; ++s) {
      std::vector<float> tree(numbers.begin() + lanes * s,
                              numbers.begin() + lanes * (s + 1));
      for (size_t half = tree.size() / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; ++i)
          tree[i] = sums == 1 ? tree[i] + tree[i + half]
                              : tree[2 * i] + tree[2 * i + 1];
      }
      EXPECT_EQ(result(s), tree[0]) << sums << " sums";
    }
  }
}

// What Halide emits lane by lane is vectors again.
TEST(RoundingPassTest, PolynomialsStayVectors) {
  for (const auto& [target, lanes] :
       {std::pair(kAvx2, 8), std::pair(kAvx512, 16)}) {
    const Halide::ImageParam in(Halide::Float(32), 1, "in");
    const Var x("x");
    Func f("f");
    f(x) = EmitTanh(in(x)) + EmitExp(in(x)) * EmitLog(in(x));
    f.vectorize(x, lanes, Halide::TailStrategy::RoundUp);
    const std::string with = Assembly(f, {in}, target),
                      without = Assembly(f, {in}, target, false);
    const char kVector[] = "vfn?m(add|sub)[0-9]*ps",
               kScalar[] = "vfn?m(add|sub)[0-9]*ss";
    EXPECT_GE(Count(with, kVector), 20) << target;
    EXPECT_LE(Count(with, kVector), Count(without, kVector) + 2) << target;
    EXPECT_EQ(Count(with, kScalar), 0) << target;
    EXPECT_EQ(Count(with, "fmaf"), 0) << target;
  }
}

// A tile that is complete is the same instructions as without the pass.
TEST(RoundingPassTest, RegisterTilesStayAsTheyAre) {
  for (const char* target : {kAvx2, kAvx512}) {
    const int lanes = Target(target).natural_vector_size<float>();
    const Halide::ImageParam in(Halide::Float(32), 2, "in"),
        weight(Halide::Float(32), 2, "weight");
    const Var x("x"), c("c"), xi("xi"), ci("ci");
    const RDom r(0, 25, "r");
    Func sum("sum"), f("f");
    sum(x, c) = 0.0f;
    sum(x, c) += in(x, r) * weight(r, c);
    f(x, c) = MarkStrict(sum(x, c));
    f.bound(x, 0, 6 * lanes)
        .bound(c, 0, 8)
        .tile(x, c, xi, ci, 3 * lanes, 4)
        .vectorize(xi, lanes)
        .unroll(xi)
        .unroll(ci);
    sum.compute_at(f, x)
        .store_in(Halide::MemoryType::Stack)
        .vectorize(x, lanes)
        .unroll(x)
        .unroll(c);
    sum.update().reorder(x, c, r).vectorize(x, lanes).unroll(x).unroll(c);
    const std::string assembly = Assembly(f, {in, weight}, target);
    EXPECT_EQ(Count(assembly, "vfmadd231ps"), 12) << target;
    EXPECT_EQ(Count(assembly, "vfmadd"), 12) << target;
    EXPECT_EQ(Count(assembly, "vmulps"), 0) << target;
  }
}

TEST(RoundingPassTest, WithoutTheInstructionNothingIsCalled) {
  const Halide::ImageParam in(Halide::Float(32), 1, "in");
  const Var x("x");
  Func f("f");
  f(x) = StrictAdd(in(x)*in(x + 1) + in(x + 2), in(x));
  f.vectorize(x, 4, Halide::TailStrategy::RoundUp);
  const std::string assembly = Assembly(f, {in}, kSse);
  EXPECT_EQ(Count(assembly, "fma"), 0);
  EXPECT_GE(Count(assembly, "mulps"), 1);
}

}  // namespace
}  // namespace kiln
