// Emitted inference of models that fold: prepare first, then infer, by both
// schedules; the heads within the rounding errors of the folded graph, which
// are those of the model within rounding in double.
#include <functional>
#include <memory>

#include "dsl/evaluation_form.h"
#include "dsl/model.h"
#include "dsl/ops/channel_affine.h"
#include "dsl/prepare.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/interpreter.h"
#include "tests/support/jit.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"

namespace kiln {
namespace {

void Classify(ModelBuilder& m, Value logits) {
  const Value label = m.Labels("label", m.TypeOf(logits).shape[0]);
  m.Output("logits", logits);
  m.Loss(m.SoftmaxCrossEntropy(logits, label));
}

Value Affine(ModelBuilder& m, Value x, bool shift) {
  const int64_t channels = m.TypeOf(x).shape[0];
  std::vector<Value> inputs = {x,
                               m.Parameter("bn1.scale", {.shape = {channels}})};
  if (shift) inputs.push_back(m.Parameter("bn1.shift", {.shape = {channels}}));
  return m.Apply("bn", std::make_shared<ChannelAffineOp>(), inputs);
}

struct Folding {
  const char* name;
  void (*define)(ModelBuilder&);
  int prepared;  // tensors
};

void PrintTo(const Folding& folding, std::ostream* out) {
  *out << folding.name;
}

const Folding kFoldings[] = {
    {"stacked_dense",
     [](ModelBuilder& m) {
       Value x = m.Identity(m.Dense("fc1", m.Input("x", {16}), {.out = 24}));
       x = m.Relu(m.Dense("fc2", x, {.out = 16, .bias = false}));
       x = m.Dense("fc3", x, {.out = 20, .bias = false});
       Classify(m, m.Dense("fc4", x, {.out = 5}));
     },
     3},
    {"odd_sizes",
     [](ModelBuilder& m) {
       Value x = m.Dense("fc1", m.Input("x", {7}), {.out = 13});
       x = m.Dense("fc2", x, {.out = 11});
       Classify(m, m.Dense("fc3", x, {.out = 3}));
     },
     2},
    {"affine_after_convolution",
     [](ModelBuilder& m) {
       Value x = m.Input("x", {2, 8, 7});
       x = m.Conv2d("conv1", x, {.out_channels = 5, .kernel = 3, .padding = 1});
       x = m.MaxPool(m.Relu(Affine(m, x, /*shift=*/true)));
       Classify(m, m.Dense("fc1", m.Flatten(x), {.out = 4}));
     },
     2},
    {"batch_norm",
     [](ModelBuilder& m) {
       Value x = m.Input("x", {2, 6, 6});
       x = m.Conv2d("conv1", x,
                    {.out_channels = 3, .kernel = 3, .bias = false});
       x = m.Flatten(m.Relu(m.BatchNorm("bn1", x)));
       x = m.BatchNorm("bn2", m.Dense("fc1", x, {.out = 6, .bias = false}));
       Classify(m, m.Dense("fc2", x, {.out = 4}));
     },
     4},
    {"affine_after_dense_without_bias",
     [](ModelBuilder& m) {
       Value x = m.Dense("fc1", m.Input("x", {9}), {.out = 6, .bias = false});
       x = m.Tanh(Affine(m, x, /*shift=*/false));
       Classify(m, m.Dense("fc2", x, {.out = 4}));
     },
     1},
};

class FoldedTest : public ::testing::TestWithParam<Folding> {};

TEST_P(FoldedTest, InferMatchesTheInterpreter) {
  ModelBuilder m;
  GetParam().define(m);
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto plan = PlanInference(model->graph);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->prepare.outputs().size(), GetParam().prepared);
  for (const Schedule schedule : {Schedule::kFast, Schedule::kNaive}) {
    // Statistics of a batch need it in one block.
    const bool is_whole = NeedsWholeBatch(model->graph);
    for (const int block : {is_whole ? 16 : 1, 8}) {
      const auto report = CheckEmitted(
          model->graph, RandomValues(model->graph, is_whole ? 7 : 11, 5),
          {.block = block, .schedule = schedule});
      EXPECT_TRUE(report.ok()) << "block " << block << ": " << report.status();
    }
  }
}

// The prepare pipeline by itself.
TEST_P(FoldedTest, PrepareMatchesTheInterpreter) {
  ModelBuilder m;
  GetParam().define(m);
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto plan = PlanInference(model->graph);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const GraphValues values = RandomValues(model->graph, 1, 5);
  const auto expected = InterpretRounded(plan->prepare, values);
  ASSERT_TRUE(expected.ok()) << expected.status();
  for (const Schedule schedule : {Schedule::kFast, Schedule::kNaive}) {
    const auto result =
        RunJit(model->graph, {PipelineKind::kPrepare, 1, schedule, ""}, values);
    ASSERT_TRUE(result.ok()) << result.status();
    BoundCheck check;
    for (const Output& output : plan->prepare.outputs()) {
      const absl::Status status =
          check.Compare(output.name, result->prepared.at(output.name),
                        (*expected)[output.node]);
      EXPECT_TRUE(status.ok()) << status;
    }
    EXPECT_GT(check.report().values, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, FoldedTest, ::testing::ValuesIn(kFoldings),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace kiln
