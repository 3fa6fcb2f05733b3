// NaN in, NaN out: emitted code loses no NaN, neither of the data nor of the
// adjoints, and invents none in other samples.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "dsl/evaluation_form.h"
#include "dsl/ops/input.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"
#include "tests/support/op_cases.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

constexpr int64_t kBatch = 3;  // lanes of the blocks are left idle
constexpr int64_t kPoisoned = 1;

using Vector = std::vector<double>;

struct Compilation {
  Schedule schedule;
  int block;
};

// Block 1 and the naive schedule for some of the cases.
std::vector<Compilation> CompilationsOf(size_t number) {
  std::vector<Compilation> result = {{Schedule::kFast, 8}};
  if (number % 2 == 0) result.push_back({Schedule::kFast, 1});
  if (number % 4 == 1) result.push_back({Schedule::kNaive, 8});
  return result;
}

// The case with its trained values fed as plain inputs, so that single elements
// of them can be poisoned.
OpCase WithInputs(const OpCase& c) {
  OpCase result{c.name, Graph(), c.values};
  std::vector<NodeId> ids;
  for (NodeId id = 0; id < c.graph.size(); ++id) {
    const Node& node = c.graph.node(id);
    absl::string_view name = node.name;
    const bool is_flat = absl::ConsumeSuffix(&name, "_flat");
    const std::string trained(name);
    if (FindNode(c.graph, node.name + "_flat") >= 0 ||
        absl::EndsWith(node.name, "_x")) {
      ids.push_back(-1);  // of a trained value
      continue;
    }
    if (!is_flat) {
      std::vector<NodeId> inputs;
      for (NodeId input : node.inputs) inputs.push_back(ids[input]);
      ids.push_back(
          result.graph.Add(node.op, inputs, node.name, node.where).value());
      continue;
    }
    ids.push_back(
        result.graph
            .Add(std::make_shared<InputOp>(node.type.shape, InputFormat{}), {},
                 node.name, node.where)
            .value());
    Vector& fed = result.values.tensors[node.name];
    for (double x : c.values.tensors.at(trained + "_x")) {
      for (double w : c.values.tensors.at(trained))
        fed.push_back(static_cast<float>(x * w));
    }
  }
  for (const Output& output : c.graph.outputs())
    result.graph.AddOutput(output.kind, output.name, ids[output.node]);
  return result;
}

// Some elements of a sample, the first and the last among them.
std::vector<int64_t> SomeOf(int64_t size) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < size; i += std::max<int64_t>(1, size / 10))
    places.push_back(i);
  places.push_back(size - 1);
  return places;
}

bool HasNan(const Vector& values) {
  return std::any_of(values.begin(), values.end(),
                     [](double v) { return std::isnan(v); });
}

class NanTest : public testing::TestWithParam<std::string> {};

// All formulas; of other ops two of three shapes, since each is compiled anew.
std::vector<OpCase> SomeCases(const std::string& op) {
  std::vector<OpCase> all = OpCases(op, kBatch);
  if (op == "pointwise") return all;
  std::vector<OpCase> some;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i % 3 != 1) some.push_back(std::move(all[i]));
  }
  return some;
}

TEST_P(NanTest, OfAnInputReachesWhatDependsOnItAndNothingElse) {
  int64_t poisoned = 0, reached = 0, kept = 0;
  size_t number = 0;
  for (const OpCase& trained : SomeCases(GetParam())) {
    SCOPED_TRACE(trained.name);
    const OpCase c = WithInputs(trained);
    for (const auto& [schedule, block] : CompilationsOf(number++)) {
      auto infer = JitPipeline::Compile(
          c.graph, {PipelineKind::kInfer, block, schedule, ""});
      ASSERT_TRUE(infer.ok()) << infer.status();
      const Vector clean = infer->Run(c.values)->heads.at("value");
      ASSERT_FALSE(HasNan(clean));
      for (const Node& node : c.graph.nodes()) {
        if (node.op->name() != "input") continue;
        const int64_t size = ElementCount(node.type.shape);
        for (const int64_t place : SomeOf(size)) {
          GraphValues values = c.values;
          values.tensors[node.name][kPoisoned * size + place] = NAN;
          const Graph evaluated = EvaluationForm(c.graph);
          const Vector expected = Interpret(evaluated, values)
                                      .value()[FindHead(evaluated, "value")];
          const Vector actual = infer->Run(values)->heads.at("value");
          ASSERT_EQ(actual.size(), expected.size());
          const size_t sample = actual.size() / kBatch;
          for (size_t i = 0; i < actual.size(); ++i) {
            ASSERT_EQ(std::isnan(actual[i]), std::isnan(expected[i]))
                << node.name << "[" << place << "] on value[" << i << "]";
            if (i / sample != kPoisoned) {
              ASSERT_EQ(actual[i], clean[i]);
            } else if (!std::isnan(actual[i])) {
              ASSERT_NEAR(actual[i], expected[i], 1e-5);
            }
            std::isnan(actual[i]) ? ++reached : ++kept;
          }
          ++poisoned;
        }
      }
    }
  }
  EXPECT_GT(reached, poisoned / 2);
  EXPECT_GT(kept, 0);
  const std::string title = "NaN in, NaN out";
  ReportSum(title, "inputs poisoned", poisoned);
  ReportSum(title, "values NaN", reached);
  ReportSum(title, "values as without it", kept);
}

// A gradient may be NaN in more places than the interpreter's: emitted code
// multiplies an adjoint with the zeros of a padding, which the interpreter
// skips. Never in fewer.
TEST_P(NanTest, OfAnAdjointReachesTheGradients) {
  int64_t poisoned = 0, reached = 0;
  size_t number = 0;
  for (const OpCase& c : SomeCases(GetParam())) {
    SCOPED_TRACE(c.name);
    const Graph training = BuildTrainingGraph(c.graph).value();
    for (const auto& [schedule, block] : CompilationsOf(number++)) {
      if (NeedsWholeBatch(c.graph) && block < kBatch) continue;
      auto grad = JitPipeline::Compile(
          training, {PipelineKind::kGrad, block, schedule, ""});
      ASSERT_TRUE(grad.ok()) << grad.status();
      const auto covector = c.values.tensors.find("covector");
      const std::vector<int64_t> places =
          covector == c.values.tensors.end()
              ? std::vector<int64_t>{0}
              : SomeOf(covector->second.size() / kBatch);
      for (const int64_t place : places) {
        GraphValues values = c.values;
        if (covector == c.values.tensors.end()) {
          values.weights[kPoisoned] = NAN;
        } else {
          values.tensors["covector"]
                        [kPoisoned * covector->second.size() / kBatch + place] =
              NAN;
        }
        const Gradients expected = InterpretGradients(training, values).value();
        const auto result = grad->Run(values);
        ASSERT_TRUE(result.ok());
        if (covector != c.values.tensors.end()) {
          EXPECT_TRUE(std::isnan(result->loss));
        }
        for (const auto& [name, gradient] : expected) {
          for (size_t i = 0; i < gradient.size(); ++i) {
            if (!std::isnan(gradient[i])) continue;
            ASSERT_TRUE(std::isnan(result->gradients.at(name)[i]))
                << "adjoint " << place << " on " << name << "[" << i << "]";
            ++reached;
          }
        }
        ++poisoned;
      }
    }
  }
  EXPECT_GE(reached, poisoned / 2);
  ReportSum("NaN in, NaN out", "adjoints poisoned", poisoned);
  ReportSum("NaN in, NaN out", "gradients NaN", reached);
}

INSTANTIATE_TEST_SUITE_P(Ops, NanTest, testing::ValuesIn(OpCaseNames()));

}  // namespace
}  // namespace kiln
