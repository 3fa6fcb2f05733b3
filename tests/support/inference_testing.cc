#include "tests/support/inference_testing.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/passes.h"
#include "dsl/print.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// Sums of some ten terms of about 1, in double.
constexpr double kTolerance = 1e-13;

::testing::AssertionResult Compare(const Graph& before,
                                   const GraphValues& values,
                                   const Graph& after,
                                   const GraphValues& after_values) {
  const absl::StatusOr<NodeValues> expected = Interpret(before, values),
                                   actual = Interpret(after, after_values);
  if (!expected.ok()) return ::testing::AssertionFailure() << expected.status();
  if (!actual.ok()) return ::testing::AssertionFailure() << actual.status();
  int compared = 0;
  for (size_t i = 0; i < before.outputs().size(); ++i) {
    const Output &b = before.outputs()[i], &a = after.outputs()[i];
    if (a.name != b.name || a.kind != b.kind)
      return ::testing::AssertionFailure() << a.name << ", not " << b.name;
    const std::vector<double>&x = (*expected)[b.node], &y = (*actual)[a.node];
    if (x.size() != y.size())
      return ::testing::AssertionFailure() << "sizes of " << b.name;
    for (size_t at = 0; at < x.size(); ++at) {
      if (!(std::abs(x[at] - y[at]) <= kTolerance * (1 + std::abs(x[at])))) {
        return ::testing::AssertionFailure()
               << b.name << "[" << at << "] is " << y[at] << ", not " << x[at];
      }
      ++compared;
    }
  }
  if (compared == 0 || before.outputs().size() != after.outputs().size())
    return ::testing::AssertionFailure() << "the outputs differ";
  return ::testing::AssertionSuccess();
}

}  // namespace

Graph GraphOf(void (*define)(ModelBuilder&)) {
  ModelBuilder m;
  define(m);
  const Value x = m.Input("unused_x", {1}), y = m.Target("unused_y", {1});
  m.Loss(m.L2(x, y));
  const absl::StatusOr<Model> model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? KeepOutputs(model->graph, {OutputKind::kHead}) : Graph();
}

::testing::AssertionResult HeadsAreSame(const Graph& before,
                                        const Graph& after) {
  const GraphValues values = RandomValues(before, 3, 11);
  return Compare(before, values, after, values);
}

::testing::AssertionResult HeadsAreSame(const Graph& before,
                                        const InferencePlan& plan) {
  const GraphValues values = RandomValues(before, 3, 11);
  GraphValues prepared = values;
  const absl::StatusOr<NodeValues> computed = Interpret(plan.prepare, values);
  if (!computed.ok()) return ::testing::AssertionFailure() << computed.status();
  for (const Output& output : plan.prepare.outputs())
    prepared.tensors[output.name] = (*computed)[output.node];
  return Compare(before, values, plan.infer, prepared);
}

std::string PlanText(const InferencePlan& plan) {
  return absl::StrCat("prepare:\n", ToText(plan.prepare), "infer:\n",
                      ToText(plan.infer), "notes:\n",
                      absl::StrJoin(plan.notes, "\n"), "\n");
}

}  // namespace kiln
