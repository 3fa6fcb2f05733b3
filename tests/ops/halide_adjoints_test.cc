// The differentiated graph of every op against Halide's automatic
// differentiation of the op as it is emitted.
#include "tests/support/halide_adjoints.h"

#include <algorithm>
#include <map>

#include "Halide.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/op_cases.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

using Halide::Buffer;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// What cannot be differentiated as it is emitted, in the cases of an op. Only
// what Halide has refused becomes a constant, so that this fails when it no
// longer refuses; HalideLimitsTest does for reductions.
HalideExceptions ExpectedExceptions(const std::string& op) {
  // The maximum of the logits, before which the softmax is the same.
  if (op == "softmax_cross_entropy") return {{"loss_max"}, {}};
  // An image as a vector: the element's place gives all three coordinates.
  if (op == "reshape") return {{}, {"y"}};
  return {};
}

class HalideAdjointsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(HalideAdjointsTest, AreTheGradients) {
  HalideCheckReport total;
  int64_t shapes = 0;
  for (const OpCase& c : OpCases(GetParam(), 3)) {
    SCOPED_TRACE(c.name);
    const auto report = CheckAgainstHalide(c.graph, c.values, c.options.zero);
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) continue;
    total.comparisons += report->comparisons;
    total.worst = std::max(total.worst, report->worst);
    total.exceptions.constants.insert(report->exceptions.constants.begin(),
                                      report->exceptions.constants.end());
    total.exceptions.reductions.insert(report->exceptions.reductions.begin(),
                                       report->exceptions.reductions.end());
    ++shapes;
  }
  const HalideExceptions expected = ExpectedExceptions(GetParam());
  EXPECT_EQ(total.exceptions.constants, expected.constants);
  EXPECT_EQ(total.exceptions.reductions, expected.reductions);
  ReportCoverage(GetParam(), "halide", shapes, total.comparisons,
                 total.worst / kHalideTolerance);
}

INSTANTIATE_TEST_SUITE_P(Ops, HalideAdjointsTest,
                         ::testing::ValuesIn(OpCaseNames()),
                         [](const auto& info) { return info.param; });

// Why the pipeline is not given to Halide as it is. One of these fails when
// Halide no longer needs it.

Buffer<double> Filled(std::vector<int> extents) {
  Buffer<double> buffer(extents);
  double next = 1;
  buffer.for_each_value([&](double& value) { value = next++; });
  return buffer;
}

std::vector<double> Adjoint(const Func& loss, const Buffer<double>& buffer) {
  Func adjoint = Halide::propagate_adjoints(loss)(buffer);
  for (const auto& [name, func] :
       Halide::Internal::find_transitive_calls(adjoint.function()))
    Func(func).compute_root();
  Buffer<double> result = Buffer<double>::make_with_shape_of(buffer);
  adjoint.realize(result);
  return {result.begin(), result.end()};
}

TEST(HalideLimitsTest, RunningMaximaAreRefused) {
  const Buffer<double> x = Filled({4});
  Func maximum("maximum");
  const RDom r(0, 4);
  maximum() = Expr(0.0);
  maximum() = Halide::select(x(r) > maximum(), x(r), maximum());
  std::string message;
  try {
    Adjoint(maximum, x);
  } catch (const Halide::Error& error) {
    message = error.what();
  }
  EXPECT_THAT(message, HasSubstr("Can't take the gradients of maximum"));
}

TEST(HalideLimitsTest, VariablesInTwoArgumentsAreMixedUp) {
  const Buffer<double> x = Filled({2, 2}), factor = Filled({4});
  const Var i("i");
  const RDom r(0, 4);
  Func flat("flat"), loss("loss");
  flat(i) = x(i % 2, i / 2);
  loss() = Expr(0.0);
  loss() += flat(r) * factor(r);
  EXPECT_THAT(Adjoint(loss, x), Not(ElementsAre(1, 2, 3, 4)));

  Func reduced("reduced"), same_loss("same_loss");
  const RDom all(0, 4);
  reduced(i) = Expr(0.0);
  reduced(all) = x(all % 2, all / 2);
  same_loss() = Expr(0.0);
  same_loss() += reduced(r) * factor(r);
  EXPECT_THAT(Adjoint(same_loss, x), ElementsAre(1, 2, 3, 4));
}

TEST(HalideLimitsTest, ReductionVariablesOfOneNameAreMixedUp) {
  const Buffer<double> x = Filled({4}), factor = Filled({4});
  const Var i("i");
  auto adjoint = [&](const char* name, const char* other) {
    const RDom r(0, 4, name), one(0, 1, other);
    // Funcs are looked through in alphabetical order.
    Func b("b_inner"), product("product"), a("a_loss");
    b(i) = Expr(0.0);
    b(i) += x(i) * (one + 1);
    product(i) = b(i) * factor(i);
    a() = Expr(0.0);
    a() += product(r);
    return Adjoint(a, x);
  };
  EXPECT_THAT(adjoint("r", "r"), Not(ElementsAre(1, 2, 3, 4)));
  EXPECT_THAT(adjoint("r", "s"), ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace kiln
