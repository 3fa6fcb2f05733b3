// Recomputation on emitted code: not a bit of loss, metrics, gradients and next
// state changes. And it takes less memory.
#include <map>

#include "Halide.h"
#include "absl/strings/str_join.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "dsl/recompute.h"
#include "generators/budget.h"
#include "generators/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/jit.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// Convolutions with and without padding, dropout, both poolings, an activation
// whose derivative reads the pre-activation.
void Image(ModelBuilder& m) {
  Value x = m.Input("image", {1, 10, 10},
                    {.storage = Storage::kUint8, .scale = 1.0 / 255});
  const Value label = m.Labels("label", 3);
  x = m.Conv2d("conv1", x, {.out_channels = 4, .kernel = 3, .padding = 1});
  x = m.MaxPool(m.Dropout(m.Relu(x), 0.25));
  x = m.AvgPool(m.Tanh(m.Conv2d("conv2", x, {.out_channels = 3, .kernel = 2})));
  x = m.Softplus(m.Dense("fc1", m.Flatten(x), {.out = 9}));
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  m.Metric("accuracy", m.Accuracy(x, label));
}

// Statistics of the batch, which are state too.
void Normalized(ModelBuilder& m) {
  Value x = m.Input("image", {2, 6, 6});
  const Value label = m.Labels("label", 3);
  x = m.Conv2d("conv1", x, {.out_channels = 4, .kernel = 3, .bias = false});
  x = m.MaxPool(m.Relu(m.BatchNorm("bn1", x)));
  x = m.Dense("fc1", m.Flatten(x), {.out = 8, .bias = false});
  x = m.Silu(m.BatchNorm("bn2", x));
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
}

// Values that several layers read, and random slopes.
void Joined(ModelBuilder& m) {
  const Value x = m.Input("image", {2, 7, 7});
  const Value a =
      m.Conv2d("a", x, {.out_channels = 4, .kernel = 3, .padding = 1});
  const Value b =
      m.Conv2d("b", m.RRelu(a), {.out_channels = 4, .kernel = 3, .padding = 1});
  const Value sum = m.Relu(m.Add({a, b}));
  const Value both = m.MaxPool(m.Concat({sum, m.Pad(m.Crelu(b), 0)}));
  Value y = m.Prelu(m.Dense("fc1", m.Flatten(both), {.out = 6}));
  y = m.Gelu(m.Dense("fc2", y, {.out = 6}));
  m.Output("y", y);
  m.Loss(m.L2(y, m.Target("t", {6})));
}

Graph Training(void (*define)(ModelBuilder&)) {
  ModelBuilder m;
  define(m);
  const auto model = m.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return *BuildTrainingGraph(model->graph);
}

std::set<std::string> AllOf(const Graph& training) {
  return RecomputableValues(training);
}

std::set<std::string> EveryOther(const Graph& training) {
  std::set<std::string> some;
  bool take = false;
  for (const std::string& value : RecomputableValues(training)) {
    if ((take = !take)) some.insert(value);
  }
  return some;
}

// What the tightest budget drops.
std::set<std::string> LastLevel(const Graph& training) {
  return RecomputeLevels(PipelineGraph(training, PipelineKind::kGrad))
      .back()
      .dropped;
}

using Choice = std::set<std::string> (*)(const Graph& training);

void ExpectSameBits(void (*define)(ModelBuilder&), int block,
                    const std::vector<Choice>& choices) {
  const Graph training = Training(define);
  GraphValues values = RandomValues(training, block, /*seed=*/6);
  values.seed = 11;
  values.step = 4;
  const PipelineOptions options = {PipelineKind::kGrad, block, Schedule::kFast,
                                   ""};
  const auto expected = RunJit(training, options, values);
  ASSERT_TRUE(expected.ok()) << expected.status();
  double sum = 0;
  for (const auto& [name, gradient] : expected->gradients) {
    for (double g : gradient) sum += g * g;
  }
  EXPECT_GT(sum, 0);
  for (const Choice choice : choices) {
    const std::set<std::string> dropped = choice(training);
    const auto graph = RecomputeInBackward(training, dropped);
    ASSERT_TRUE(graph.ok()) << graph.status();
    ASSERT_GT(graph->size(), training.size());
    const auto actual = RunJit(*graph, options, values);
    ASSERT_TRUE(actual.ok()) << actual.status();
    EXPECT_EQ(actual->loss, expected->loss);
    EXPECT_EQ(actual->metrics, expected->metrics);
    for (const auto& [name, gradient] : expected->gradients)
      EXPECT_EQ(actual->gradients.at(name), gradient)
          << name << " at block " << block << ", recomputing "
          << absl::StrJoin(dropped, ", ");
    EXPECT_EQ(actual->next_state, expected->next_state);
  }
}

TEST(RecomputeJitTest, KeepsTheBitsOfConvolutions) {
  ExpectSameBits(Image, 1, {AllOf, LastLevel});
  ExpectSameBits(Image, 8, {AllOf, EveryOther});
  ExpectSameBits(Image, 16, {LastLevel});
}

TEST(RecomputeJitTest, KeepsTheBitsOfBatchStatistics) {
  ExpectSameBits(Normalized, 8, {AllOf, EveryOther});
  ExpectSameBits(Normalized, 16, {LastLevel});
}

// At block 1 its dense layers have 4 lanes, fewer than a register, and sums
// that are stored for the backward pass are not when all is computed again.
TEST(RecomputeJitTest, KeepsTheBitsOfJoins) {
  ExpectSameBits(Joined, 1, {AllOf, EveryOther});
  ExpectSameBits(Joined, 8, {AllOf});
  ExpectSameBits(Joined, 16, {LastLevel});
}

// A deep stack of one resolution, of which the root of its depth is kept.
void Stack(ModelBuilder& m) {
  Value x = m.Input("image", {4, 8, 8});
  const Value label = m.Labels("label", 3);
  for (int i = 0; i < 5; ++i) {
    x = m.Relu(m.Conv2d("conv" + std::to_string(i), x,
                        {.out_channels = 4, .kernel = 3, .padding = 1}));
  }
  x = m.Dense("fc", m.Flatten(x), {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
}

TEST(RecomputeJitTest, LevelsTakeEverLessWhenLowered) {
  const Halide::Target target = Halide::get_host_target();
  const PipelineOptions options = {PipelineKind::kGrad, 16, Schedule::kFast,
                                   ""};
  const Graph graph = PipelineGraph(Training(Stack), PipelineKind::kGrad);
  const std::vector<RecomputeLevel> levels = RecomputeLevels(graph);
  ASSERT_GE(levels.size(), 3u);
  int64_t kept = 0, least = 0;
  for (const RecomputeLevel& level : {levels[0], levels.back()}) {
    const auto plan = PlanPipeline(*RecomputeInBackward(graph, level.dropped),
                                   options, target, kRootStackBytes);
    ASSERT_TRUE(plan.ok()) << plan.status();
    (level.dropped.empty() ? kept : least) = plan->bytes;
    // What is alive together is known to a hundredth. (Where it is placed adds
    // up to a tenth, which the estimate cannot know.)
    const auto alive = static_cast<double>(plan->lower_bound),
               estimate = static_cast<double>(level.peak_bytes * options.block);
    EXPECT_NEAR(alive, estimate, 0.01 * alive)
        << "the estimate steers the search";
  }
  // 6 values, two adjoints and a padded copy, of which at most 6 are left.
  EXPECT_LT(least, 0.75 * kept);
}

}  // namespace
}  // namespace kiln
