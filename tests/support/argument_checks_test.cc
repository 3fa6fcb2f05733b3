// Only checks that hold are left out.
#include "tests/support/argument_checks.h"

#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/arguments.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Halide::Buffer;
using Halide::Float;
using Halide::Func;
using Halide::ImageParam;
using Halide::Var;

// A last pass that counts what it finds.
class AssertCounter : public Halide::Internal::IRMutator {
 public:
  explicit AssertCounter(int* count) : count_(count) {}

 protected:
  Halide::Internal::Stmt visit(
      const Halide::Internal::AssertStmt* op) override {
    ++*count_;
    return op;
  }
  using IRMutator::visit;

 private:
  int* const count_;
};

class ArgumentChecksTest : public ::testing::Test {
 protected:
  // f is the sum of neighbours of `in`, whose rows are 3 long.
  ArgumentChecksTest() {
    const Var x("x"), y("y");
    f_(x, y) = in_(x, y) + in_(x, y + 1);
    in_.dim(0).set_bounds(0, 3);
  }

  // Compiles for such buffers and returns the assertions that are left.
  int Compile(const KnownBuffer& in, const KnownBuffer& f) {
    int left = 0;
    pipeline_ = Halide::Pipeline(f_);
    pipeline_.add_custom_lowering_pass(
        new ArgumentChecksPass({{"in", in}, {f_.output_buffer().name(), f}}));
    pipeline_.add_custom_lowering_pass(new AssertCounter(&left));
    pipeline_.compile_jit(target_);
    return left;
  }

  bool Runs(const std::vector<int>& in, const std::vector<int>& f) {
    Buffer<float> numbers(in), result(f);
    numbers.fill(1);
    in_.set(numbers);
    try {
      pipeline_.realize(result, target_);
    } catch (const Halide::RuntimeError&) {
      return false;
    }
    return true;
  }

  const Halide::Target target_ = JitTarget();
  ImageParam in_{Float(32), 2, "in"};
  Func f_{"f"};
  Halide::Pipeline pipeline_;
};

TEST_F(ArgumentChecksTest, WhatHoldsIsLeftOut) {
  EXPECT_EQ(Compile({Float(32), {3, 6}}, {Float(32), {3, 5}}), 0);
  EXPECT_TRUE(Runs({3, 6}, {3, 5}));
}

TEST_F(ArgumentChecksTest, ReadingBeyondABufferFails) {
  EXPECT_EQ(Compile({Float(32), {3, 5}}, {Float(32), {3, 5}}), 1);
  EXPECT_FALSE(Runs({3, 5}, {3, 5}));
}

TEST_F(ArgumentChecksTest, ExtentsThatCodeDoesNotSupposeFail) {
  EXPECT_GE(Compile({Float(32), {4, 6}}, {Float(32), {3, 5}}), 1);
  EXPECT_FALSE(Runs({4, 6}, {3, 5}));
}

TEST_F(ArgumentChecksTest, AnotherTypeStaysCode) {
  EXPECT_EQ(Compile({Halide::Int(32), {3, 6}}, {Float(32), {3, 5}}), 1);
}

// Where the samples are not known, neither is what they hold.
TEST_F(ArgumentChecksTest, WhatIsNotKnownStaysCode) {
  EXPECT_EQ(Compile({Float(32), {3, kAnyExtent}}, {Float(32), {3, 5}}), 1);
  EXPECT_TRUE(Runs({3, 6}, {3, 5}));
  EXPECT_FALSE(Runs({3, 5}, {3, 5}));
}

}  // namespace
}  // namespace kiln
