// A NaN in one sample of a whole net: its loss is NaN, and so are gradients of
// the last layer at least, in emitted code as in the interpreter. Nothing that
// could be trained on looks like a number throughout.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

struct Net {
  std::string name;
  void (*build)(ModelBuilder&);
};

void PrintTo(const Net& net, std::ostream* out) { *out << net.name; }

const Net kNets[] = {
    {"convolution_relu_max_pool_softmax",
     [](ModelBuilder& m) {
       Value x = m.Input("image", {1, 9, 9});
       x = m.Relu(m.Conv2d("conv", x, {.out_channels = 4, .kernel = 4}));
       x = m.Dense("last", m.Flatten(m.MaxPool(x)), {.out = 5});
       m.Output("head", x);
       m.Loss(m.SoftmaxCrossEntropy(x, m.Labels("label", 5)));
     }},
    {"convolution_tanh_average_pool_sigmoid",
     [](ModelBuilder& m) {
       Value x = m.Input("image", {2, 6, 6});
       x = m.Tanh(
           m.Conv2d("conv", x, {.out_channels = 3, .kernel = 3, .padding = 1}));
       x = m.Dense("last", m.Flatten(m.AvgPool(x)), {.out = 3});
       m.Output("head", x);
       m.Loss(m.SigmoidCrossEntropy(x, m.Target("target", {3})));
     }},
    // Where the gate of the ReLU is shut the adjoint is NaN still.
    {"relu_just_below_the_loss",
     [](ModelBuilder& m) {
       Value x = m.Input("image", {1, 2, 4});
       x = m.Tanh(m.Dense("fc1", m.Flatten(x), {.out = 6}));
       x = m.Relu(m.Dense("last", x, {.out = 7}));
       m.Output("head", x);
       m.Loss(m.L2(x, m.Target("target", {7})));
     }},
    {"convolution_just_below_the_loss",
     [](ModelBuilder& m) {
       Value x = m.Input("image", {2, 5, 5});
       x = m.Relu(m.Conv2d("last", x, {.out_channels = 3, .kernel = 3}));
       x = m.Flatten(x);
       m.Output("head", x);
       m.Loss(m.L2(x, m.Target("target", {27})));
     }},
};

class NanNetsTest : public testing::TestWithParam<Net> {};

TEST_P(NanNetsTest, TheLossAndTheLastLayerShowIt) {
  ModelBuilder m;
  GetParam().build(m);
  const Graph graph = m.Build().value().graph,
              training = BuildTrainingGraph(graph).value();
  const GraphValues clean = RandomValues(graph, 3, 1);
  const NodeId head = graph.outputs()[0].node;
  const size_t pixels = clean.tensors.at("image").size() / 3;
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    for (const int block : {1, 8}) {
      SCOPED_TRACE((schedule == Schedule::kFast ? "fast " : "naive ") +
                   std::to_string(block));
      auto infer = JitPipeline::Compile(
          graph, {PipelineKind::kInfer, block, schedule, ""});
      auto eval = JitPipeline::Compile(
          graph, {PipelineKind::kEval, block, schedule, ""});
      auto grad = JitPipeline::Compile(
          training, {PipelineKind::kGrad, block, schedule, ""});
      ASSERT_TRUE(infer.ok() && eval.ok() && grad.ok());
      const std::vector<double> heads = infer->Run(clean)->heads.at("head");
      ASSERT_TRUE(std::isfinite(grad->Run(clean)->loss));
      for (size_t pixel = 0; pixel < pixels; pixel += 1 + pixels / 8) {
        GraphValues values = clean;
        values.tensors["image"][pixels + pixel] = NAN;
        const NodeValues nodes = Interpret(graph, values).value();
        ASSERT_TRUE(std::isnan(nodes[graph.Loss()][1]));
        EXPECT_TRUE(std::isnan(eval->Run(values)->loss));
        const std::vector<double> actual = infer->Run(values)->heads.at("head");
        for (size_t i = 0; i < heads.size(); ++i) {
          ASSERT_EQ(std::isnan(actual[i]), std::isnan(nodes[head][i]))
              << "head " << i << " is " << actual[i];
          if (i / (heads.size() / 3) != 1) {
            ASSERT_EQ(actual[i], heads[i]);
          }
        }
        const auto result = grad->Run(values);
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_TRUE(std::isnan(result->loss))
            << result->loss << ", pixel " << pixel;
        const Gradients expected = InterpretGradients(training, values).value();
        for (const auto& [name, gradient] : expected) {
          const bool is_last = absl::StartsWith(name, "last");
          for (size_t i = 0; i < gradient.size(); ++i) {
            if (is_last || std::isnan(gradient[i])) {
              ASSERT_TRUE(std::isnan(result->gradients.at(name)[i]))
                  << name << " " << i;
            }
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, NanNetsTest, testing::ValuesIn(kNets),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace kiln
