#include "dsl/derivative_check.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "dsl/activations.h"
#include "dsl/model.h"
#include "dsl/ops/pointwise.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/report.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

const ScalarExpr x = Arg(0), y = Arg(1), z = Arg(2);

struct Declaration {
  std::string name;
  ScalarExpr value;
  std::vector<ScalarExpr> partials;
};

void PrintTo(const Declaration& d, std::ostream* out) { *out << d.name; }

ScalarExpr Softplus() { return Max(x, 0) + Log(1 + Exp(-Max(x, -x))); }

std::vector<Declaration> RightOnes() {
  std::vector<Declaration> declarations = {
      {"square", x * x, {2 * x}},
      {"constant", 3.0 * Greater(x, 0), {0.0}},
      {"unused_argument", x * x, {2 * x, 0.0}},
      {"product", x * y, {y, x}},
      {"three", x * y * z + z, {y * z, x * z, x * y + 1}},
      {"quotient", x / y, {1 / y, -x / (y * y)}},
      {"quotient_by_output", x / y, {1 / y, -z / y}},
      {"exp_by_output", Exp(x), {y}},
      {"log_of_positive", Log(x), {1 / x}},
      {"log_of_negative", Log(-x), {1 / x}},
      {"log_far_out", Log(x - 500), {1 / (x - 500)}},
      {"entropy_of_probabilities",
       -(y * Log(x) + (1 - y) * Log(1 - x)),
       {(x - y) / (x * (1 - x)), Log(1 - x) - Log(x)}},
      {"logs_of_three",
       Log(x) * Log(y) * Log(z),
       {Log(y) * Log(z) / x, Log(x) * Log(z) / y, Log(x) * Log(y) / z}},
      {"tanh_by_output", Tanh(x), {1 - y * y}},
      // 1 - y^2 cancels far out, where this one is exact.
      {"tanh_by_input", Tanh(x), {4 * Sigmoid(2 * x) * Sigmoid(-2 * x)}},
      {"sigmoid_of_quotient", 1 / (1 + Exp(-x)), {y * (1 - y)}},
      {"softplus", Softplus(), {Sigmoid(x)}},
      {"relu_by_input", Max(x, 0), {Greater(x, 0)}},
      {"relu_otherwise_at_its_kink", Max(x, 0), {1 - Greater(0, x)}},
      {"leaky_by_output", Max(x, 0.01 * x), {Select(Greater(y, 0), 1, 0.01)}},
      {"hard_sigmoid_by_output",
       Min(Max(0.2 * x + 0.5, 0), 1),
       {0.2 * Greater(y, 0) * Greater(1, y)}},
      {"kink_on_a_simple_number", Max(x, 0.5), {1 - Greater(0.5, x)}},
      {"kink_on_a_line", Max(x, y), {1 - Greater(y, x), Greater(y, x)}},
      {"abs", Max(x, -x), {Select(Greater(x, 0), 1, -1)}},
      {"far_branch",
       Select(Greater(x, 1e5), x * x, x),
       {Select(Greater(x, 1e5), 2 * x, 1)}},
      {"seven_digits",
       Exp(0.6931471805599453 * x),
       {0.6931472 * Exp(0.6931471805599453 * x)}},
      {"cancelling", (1e6 + x) - 1e6, {1.0}},
  };
  for (const Activation& activation : Activations()) {
    if (!activation.derivative_by_output) continue;
    declarations.push_back(
        {activation.name,
         activation.value,
         {Substitute(*activation.derivative_by_output, {Arg(1)})}});
  }
  return declarations;
}

struct WrongDeclaration {
  Declaration declaration;
  std::string message;  // a part
};

void PrintTo(const WrongDeclaration& d, std::ostream* out) {
  *out << d.declaration.name;
}

std::vector<WrongDeclaration> WrongOnes() {
  return {
      {{"missing_factor", x * x, {x}},
       "of a0 is wrong: at a0 = 0.5 it gives 0.5, the formula's derivative is "
       "1"},
      {{"wrong_sign", Tanh(x), {y * y - 1}}, "of a0 is wrong: at a0 = 0.5"},
      {{"wrong_sign_of_the_second", x - y, {1.0, 1.0}},
       "of a1 is wrong: at a0 = 0.5, a1 = -0.5625 it gives 1, the formula's "
       "derivative is -1"},
      {{"wrong_argument", x * y, {y, y}}, "of a1 is wrong"},
      {{"exchanged", x * x * y, {x * x, 2 * x * y}}, "of a0 is wrong"},
      {{"output_for_input", Sigmoid(x), {x * (1 - x)}}, "of a0 is wrong"},
      {{"term_dropped", x * y + z, {y, x, 0.0}}, "of a2 is wrong"},
      {{"small_term_dropped", x + 1e-4 * x * x, {1.0}}, "of a0 is wrong"},
      {{"a_little_off", Exp(0.7 * x), {0.70001 * Exp(0.7 * x)}},
       "of a0 is wrong"},
      {{"zero", x * x, {0.0}}, "of a0 is wrong"},
      {{"not_zero", Greater(x, 0), {1.0}}, "of a0 is wrong"},
      {{"relu_without_its_gate", Max(x, 0), {1.0}}, "of a0 is wrong"},
      {{"relu_on_the_wrong_side", Max(x, 0), {Greater(0, x)}},
       "of a0 is wrong"},
      {{"leaky_on_one_branch", Max(x, 0.01 * x), {Greater(y, 0)}},
       "of a0 is wrong"},
      {{"wrong_on_the_far_branch", Select(Greater(x, 1e5), x * x, x), {1.0}},
       "of a0 is wrong"},
      {{"wrong_between_3_and_3.01",
        Select(Greater(x, 3), Select(Greater(3.01, x), 5 * x, x), x),
        {1.0}},
       "of a0 is wrong: at a0 = 3.00"},
      {{"wrong_where_the_second_is_large", x * Max(y, 20), {Max(-y, 20), x}},
       "of a0 is wrong"},
      {{"log", Log(x), {-1 / x}}, "of a0 is wrong"},
      {{"quotient", x / y, {1 / y, x / (y * y)}}, "of a1 is wrong"},
      {{"not_finite_on_one_branch", Max(x, 0), {Log(x) / Log(x)}},
       "it gives nan, the formula's derivative is 0"},
      {{"never_finite", x, {1 / (x - x)}}, "it gives inf"},
      {{"formula_never_finite", Log(-(x * x)), {2 / x}},
       "of a0 cannot be checked: at 0 of 512 points"},
      {{"which_branch_is_rounding",
        Select(Greater((1e6 + x) - 1e6, x), 2 * x, x),
        {1.0}},
       "cannot be checked"},
      {{"nowhere_but_at_a_point", Log(-Max(x - 1, 1 - x) + 1e-9), {1.0}},
       "cannot be checked"},
  };
}

class RightDeclarationTest : public testing::TestWithParam<Declaration> {};
class WrongDeclarationTest : public testing::TestWithParam<WrongDeclaration> {};

TEST_P(RightDeclarationTest, Passes) {
  const Declaration& d = GetParam();
  EXPECT_EQ(CheckDeclaredDerivatives(d.value, d.partials), absl::OkStatus());
}

TEST_P(WrongDeclarationTest, IsRefused) {
  const Declaration& d = GetParam().declaration;
  EXPECT_TRUE(IsOneLineError(CheckDeclaredDerivatives(d.value, d.partials),
                             {GetParam().message}));
}

INSTANTIATE_TEST_SUITE_P(DerivativeCheck, RightDeclarationTest,
                         testing::ValuesIn(RightOnes()),
                         testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(
    DerivativeCheck, WrongDeclarationTest, testing::ValuesIn(WrongOnes()),
    [](const testing::TestParamInfo<WrongDeclaration>& info) {
      std::string name = info.param.declaration.name;
      for (char& c : name) c = c == '.' ? '_' : c;
      return name;
    });

// Each right declaration with one constant, sign or argument changed is wrong:
// the check sees every one of these.
TEST(DerivativeCheckTest, CatchesEveryChangeOfARightDeclaration) {
  int caught = 0, changed = 0;
  for (const Declaration& d : RightOnes()) {
    for (size_t i = 0; i < d.partials.size(); ++i) {
      const ScalarExpr& p = d.partials[i];
      for (const ScalarExpr& wrong :
           {-p, 2 * p, p + 1, p + 1e-3 * x, p * 1.0001}) {
        if (p.IsConstant(0) && wrong.IsConstant(0)) continue;
        std::vector<ScalarExpr> partials = d.partials;
        partials[i] = wrong;
        const absl::Status status = CheckDeclaredDerivatives(d.value, partials);
        ++changed;
        caught += absl::StrContains(status.message(), "is wrong");
        EXPECT_THAT(std::string(status.message()),
                    testing::HasSubstr("is wrong"))
            << d.name << ": " << wrong.ToString();
      }
    }
  }
  EXPECT_GT(changed, 150);
  ReportLine(absl::StrCat("declared derivatives: ", caught, " of ", changed,
                          " wrong ones refused"));
}

TEST(DerivativeCheckTest, BothWaysOfMakingAnOpNameTheLine) {
  for (const bool apply : {false, true}) {
    ModelBuilder m;
    const Value image = m.Input("image", {3});
    const int line = __LINE__ + 1;
    if (apply) {
      m.Apply("square",
              std::make_shared<PointwiseOp>("square", x * x,
                                            std::vector<ScalarExpr>{4 * x}),
              {image});
    } else {
      m.Pointwise("square", {image}, x * x, {4 * x});
    }
    const std::string file = "tests/dsl/derivative_check_test.cc:";
    const absl::Status status = m.Build().status();
    EXPECT_TRUE(IsOneLineError(
        status, {file,
                 ": square1: the declared derivative of a0 is wrong: at "
                 "a0 = 0.5 it gives 2, the formula's derivative is 1"}));
    const int reported = std::stoi(std::string(
        status.message().substr(status.message().find(file) + file.size())));
    EXPECT_GE(reported, line);
    EXPECT_LE(reported, line + 6);
  }
}

// As trees these have 3^40 operations.
ScalarExpr Repeated(ScalarExpr e, int times) {
  for (int i = 0; i < times; ++i) e = e * e + e;
  return e;
}

TEST(DerivativeCheckTest, SharedSubtreesAreWalkedOnce) {
  const auto start = std::chrono::steady_clock::now();
  // Contracting, so that it stays finite: e (e + 1) of negative e tends to 0.
  const ScalarExpr e = Repeated(-Sigmoid(x), 40);
  const ScalarExpr right = Derivative(e, 0);
  EXPECT_EQ(CheckDeclaredDerivatives(e, {right}), absl::OkStatus());
  EXPECT_FALSE(CheckDeclaredDerivatives(e, {1.01 * right}).ok());
  EXPECT_EQ(OperationCount(e), kManyOperations);
  EXPECT_EQ(ArgCount(Substitute(e, {y})), 2);
  EXPECT_LT(Evaluate(e, {0.3}), 0);
  // A maximum of two such: the two branches of its derivative are compared.
  EXPECT_TRUE(
      DependsOn(Derivative(Max(Repeated(x, 40), Repeated(x, 40)), 0), 0));
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 1);
  std::printf("40 times e = e * e + e: %.1f ms\n", 1e3 * seconds.count());
}

// It would be printed, and emitted, as a tree.
TEST(DerivativeCheckTest, AFormulaOfTooManyOperationsIsRefused) {
  ModelBuilder m;
  const Value image = m.Input("image", {3});
  m.Pointwise("repeated", {image}, Repeated(x, 40));
  EXPECT_TRUE(IsOneLineError(
      m.Build(), {"repeated1: written out, the expression or a declared "
                  "derivative has more than 65536 operations"}));
}

TEST(DerivativeCheckTest, IsDoneOncePerOp) {
  const PointwiseOp op("softplus", Softplus(), {Sigmoid(x)});
  const TensorType type{{3}, DType::kFloat32, true};
  const auto time = [](auto&& call, int times) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) call();
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    return seconds.count() / times;
  };
  const double infer =
      time([&] { ASSERT_TRUE(op.InferType({type}).ok()); }, 1000);
  const double make =
      time([&] { PointwiseOp("softplus", Softplus(), {Sigmoid(x)}); }, 10);
  std::printf("making the op: %.0f us, inferring its type: %.2f us\n",
              1e6 * make, 1e6 * infer);
  EXPECT_LT(20 * infer, make);
}

}  // namespace
}  // namespace kiln
