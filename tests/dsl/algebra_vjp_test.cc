// What must hold of any right gradient, whatever the function: it is linear in
// the adjoint of the output, it is the transpose of the directional derivative,
// and it is a sum over the samples.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dsl/evaluation_form.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"
#include "tests/support/interpreter.h"
#include "tests/support/op_cases.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"
#include "tests/support/vectors.h"

namespace kiln {
namespace {

struct Case {
  OpCase op;
  Graph training;
  Gradients Of(const GraphValues& values) const {
    return InterpretGradients(training, values).value();
  }
};

class AlgebraTest : public testing::Test {
 protected:
  static std::vector<Case> Cases(int64_t batch) {
    std::vector<Case> cases;
    for (const std::string& op : OpCaseNames()) {
      for (OpCase& c : OpCases(op, batch)) {
        absl::StatusOr<Graph> training = BuildTrainingGraph(c.graph);
        EXPECT_TRUE(training.ok()) << training.status();
        c.name = absl::StrCat(op, ", ", c.name);
        if (training.ok())
          cases.push_back({std::move(c), *std::move(training)});
      }
    }
    EXPECT_GT(cases.size(), 80u);
    return cases;
  }

  // a first + b second = together, to the rounding of sums of at most some
  // hundred terms, 2^-53 each.
  void ExpectCombination(const Gradients& first, double a,
                         const Gradients& second, double b,
                         const Gradients& together) {
    ASSERT_EQ(first.size(), together.size());
    for (const auto& [name, actual] : together) {
      const std::vector<double>&u = first.at(name), &v = second.at(name);
      const double scale =
          std::abs(a) * LargestOf(u) + std::abs(b) * LargestOf(v);
      for (size_t i = 0; i < actual.size(); ++i) {
        EXPECT_NEAR(actual[i], a * u[i] + b * v[i], 1e-13 * scale)
            << name << " " << i;
        ++comparisons_;
      }
    }
    ++identities_;
  }

  void Report(const std::string& identity) const {
    ReportLine(absl::StrCat("algebra: ", identity, ": ", identities_,
                            " cases, ", comparisons_, " comparisons"));
  }

  int64_t identities_ = 0, comparisons_ = 0;
};

TEST_F(AlgebraTest, GradientsAreLinearInTheAdjointOfTheOutput) {
  for (const Case& c : Cases(3)) {
    SCOPED_TRACE(c.op.name);
    GraphValues u = c.op.values, v = u, both = u;
    const double a = 0.75, b = -1.5;
    // The adjoint is the covector; a loss has weights for one.
    auto adjoint = [](GraphValues& values) -> std::vector<double>& {
      const auto covector = values.tensors.find("covector");
      return covector == values.tensors.end() ? values.weights
                                              : covector->second;
    };
    adjoint(v) = RandomVector(adjoint(u).size(), 7);
    for (size_t i = 0; i < adjoint(u).size(); ++i)
      adjoint(both)[i] = a * adjoint(u)[i] + b * adjoint(v)[i];
    const Gradients of_u = c.Of(u), of_v = c.Of(v);
    for (const auto& [name, gradient] : of_u) {
      EXPECT_EQ(LargestOf(gradient) == 0, c.op.options.zero.count(name) > 0);
      EXPECT_EQ(gradient == of_v.at(name), c.op.options.zero.count(name) > 0);
    }
    ExpectCombination(of_u, a, of_v, b, c.Of(both));
  }
  Report("gradients linear in the adjoint");
}

TEST_F(AlgebraTest, ABatchIsTheSumOfItsSamples) {
  constexpr int64_t kBatch = 3;
  for (const Case& c : Cases(kBatch)) {
    SCOPED_TRACE(c.op.name);
    // Statistics of a batch are not those of its samples.
    if (NeedsWholeBatch(c.op.graph)) continue;
    const GraphValues& values = c.op.values;
    Gradients sum;
    double loss = 0;
    for (int64_t n = 0; n < kBatch; ++n) {
      const GraphValues one = SampleOf(c.op.graph, values, n);
      for (const auto& [name, gradient] : c.Of(one)) {
        std::vector<double>& total = sum[name];
        total.resize(gradient.size());
        for (size_t i = 0; i < total.size(); ++i) total[i] += gradient[i];
      }
      loss += InterpretLoss(c.op.graph, one).value();
    }
    ExpectCombination(sum, 1, sum, 0, c.Of(values));
    const double together = InterpretLoss(c.op.graph, values).value();
    EXPECT_NEAR(together, loss, 1e-13 * (1 + std::abs(loss)));
  }
  Report("batches as sums of samples");
}

// <u, J d> = <J^T u, d>, with J d by central differences of the op's value and
// all parameters moved at once.
TEST_F(AlgebraTest, TheGradientIsTheAdjointOfTheDirectionalDerivative) {
  for (const Case& c : Cases(2)) {
    SCOPED_TRACE(c.op.name);
    const Gradients gradients = c.Of(c.op.values);
    Gradients directions;
    double expected = 0, scale = 0;
    for (const auto& [name, gradient] : gradients) {
      directions[name] = RandomVector(gradient.size(), 11);
      for (size_t i = 0; i < gradient.size(); ++i) {
        expected += gradient[i] * directions[name][i];
        scale += std::abs(gradient[i] * directions[name][i]);
      }
    }
    const NodeId head = FindHead(c.op.graph, "value");
    ASSERT_GE(head, 0);
    // sum over the samples of weight <u, value>, all parameters moved by t d.
    const auto product_at = [&](double t) {
      GraphValues moved = c.op.values;
      for (const auto& [name, direction] : directions) {
        for (size_t i = 0; i < direction.size(); ++i)
          moved.tensors[name][i] += t * direction[i];
      }
      const std::vector<double> value =
          Interpret(c.op.graph, moved).value()[head];
      const size_t size = value.size() / moved.batch;
      const auto u = moved.tensors.find("covector");
      double product = 0;
      for (size_t i = 0; i < value.size(); ++i) {
        product += SampleWeight(moved, static_cast<int64_t>(i / size)) *
                   value[i] * (u == moved.tensors.end() ? 1 : u->second[i]);
      }
      return product;
    };
    // The cases are 1e-4 away from kinks. Extrapolated: errors of order h^4,
    // and of 2^-53 / h of the values, which are of the order of `scale`.
    const double h = 1e-4;
    const double full = (product_at(h) - product_at(-h)) / (2 * h),
                 half = (product_at(h / 2) - product_at(-h / 2)) / h;
    const double tolerance = c.op.options.zero.empty() ? 1e-9 * scale : 1e-12;
    EXPECT_EQ(scale > 0, c.op.options.zero.empty());
    EXPECT_NEAR((4 * half - full) / 3, expected, tolerance);
    ++identities_;
    ++comparisons_;
  }
  Report("<u, J d> = <J^T u, d>");
}

}  // namespace
}  // namespace kiln
