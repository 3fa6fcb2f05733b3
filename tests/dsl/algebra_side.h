// Two nets that are one function said in two ways: values and gradients agree,
// through the linear map that takes the parameters of one to those of the
// other.
#ifndef KILN_TESTS_DSL_ALGEBRA_SIDE_H_
#define KILN_TESTS_DSL_ALGEBRA_SIDE_H_

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"
#include "tests/support/vectors.h"

namespace kiln {

using Vector = std::vector<double>;

// In sample n the trained x is kSamples[n] times its parameter.
constexpr double kSamples[] = {1, -1.5};
constexpr int64_t kBatch = 2;

// A trained x, one op on it and its parameters, and a random adjoint.
class Side {
 public:
  Side(const Shape& x_shape, const Vector& x)
      : x_(maker_.Trained("x", x_shape)) {
    values_.batch = kBatch;
    values_.weights = {0.75, 1.25};
    values_.tensors = {{"x", x}, {"x_x", {kSamples[0], kSamples[1]}}};
    value_ = x_;
  }

  Side& Parameter(const std::string& name, const Shape& shape, Vector value) {
    inputs_.push_back(maker_.Parameter(name, shape));
    values_.tensors[name] = std::move(value);
    return *this;
  }

  // Reads what stands so far and the parameters since the last.
  Side& Op(OpPtr op) {
    inputs_.insert(inputs_.begin(), value_);
    value_ = maker_.Add(std::move(op), inputs_);
    inputs_.clear();
    return *this;
  }

  void Run(const Vector& covector) {
    maker_.ProjectToLoss(value_, "covector");
    maker_.Head("value", value_);
    values_.tensors["covector"] = covector;
    const absl::StatusOr<Graph> training = BuildTrainingGraph(maker_.graph());
    ASSERT_TRUE(training.ok()) << training.status();
    value = Interpret(maker_.graph(), values_).value()[value_];
    gradients = InterpretGradients(*training, values_).value();
  }

  const Graph& graph() const { return maker_.graph(); }
  const GraphValues& values() const { return values_; }
  Shape OutputShape() const { return maker_.graph().node(value_).type.shape; }

  Vector value;
  Gradients gradients;

 private:
  GraphMaker maker_;
  NodeId x_, value_;
  std::vector<NodeId> inputs_;
  GraphValues values_;
};

// `title` heads its line of the report. Values agree to within `tolerance` of
// the largest, and that must be more than `trivial`.
class AlgebraPairsTest : public testing::Test {
 protected:
  // To the rounding of sums of some hundred terms of order 1.
  AlgebraPairsTest() : AlgebraPairsTest("algebra", 1e-13, 1e-3) {}
  AlgebraPairsTest(const std::string& title, double tolerance, double trivial)
      : title_(title), tolerance_(tolerance), trivial_(trivial) {}

  ~AlgebraPairsTest() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    ReportLine(absl::StrCat(title_, ": ", test->name(), ": ", pairs_,
                            " pairs of nets, ", comparisons_, " comparisons"));
  }

  void ExpectSame(const std::string& what, const Vector& actual,
                  const Vector& expected) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    const double largest = LargestOf(expected);
    EXPECT_GT(largest, trivial_) << what << " is trivial";
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i], tolerance_ * std::max(1.0, largest))
          << what << " " << i;
      ++comparisons_;
    }
  }

  static void RunInterpreted(Side* a, Side* b) {
    const Vector covector =
        RandomVector(kBatch * ElementCount(a->OutputShape()), 17);
    a->Run(covector);
    b->Run(covector);
  }

  void RunBoth(Side* a, Side* b) {
    RunInterpreted(a, b);
    ExpectSame("value", a->value, b->value);
    ExpectSame("gradient of x", a->gradients.at("x"), b->gradients.at("x"));
    ++pairs_;
  }

  void ExpectSameGradients(const Side& a, const Side& b,
                           std::initializer_list<std::string> names) {
    for (const std::string& name : names)
      ExpectSame("gradient of " + name, a.gradients.at(name),
                 b.gradients.at(name));
  }

  const std::string title_;
  const double tolerance_, trivial_;
  int64_t pairs_ = 0, comparisons_ = 0;
};

}  // namespace kiln

#endif  // KILN_TESTS_DSL_ALGEBRA_SIDE_H_
