// Names of the pipelines' arguments: unique whatever a model calls its parts,
// or refused in one line.
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/ops/sum.h"
#include "dsl/passes.h"
#include "generators/arguments.h"
#include "gtest/gtest.h"
#include "tests/support/models.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

struct Names {
  std::string input = "x", target = "y", layer = "fc", head = "out",
              metric = "accuracy";
};

absl::StatusOr<Graph> Training(const Names& names) {
  ModelBuilder m;
  const Value x = m.Input(names.input, {4}), y = m.Target(names.target, {1});
  const Value out = m.Dense(names.layer, x, {.out = 1});
  m.Output(names.head, out);
  m.Loss(m.L2(out, y));
  m.Metric(names.metric, m.BinaryAccuracy(out, y, 0.5));
  const auto model = m.Build();
  if (!model.ok()) return model.status();
  return BuildTrainingGraph(model->graph);
}

TEST(ArgumentNamesTest, AreUniqueForWordsThatPipelinesUseThemselves) {
  for (const char* word :
       {"target", "block", "kind", "schedule", "workspace", "scale",
        "accumulate", "momentum", "learning_rate", "weight_decay",
        "sample_index", "loss_out", "float", "int", "n", "i"}) {
    for (std::string Names::*part :
         {&Names::input, &Names::target, &Names::head, &Names::metric}) {
      Names names;
      names.*part = word;
      const auto training = Training(names);
      ASSERT_TRUE(training.ok()) << training.status();
      EXPECT_TRUE(CheckArgumentNames(*training).ok())
          << word << ": " << CheckArgumentNames(*training);
      for (const PipelineKind kind :
           {PipelineKind::kInfer, PipelineKind::kEval, PipelineKind::kGrad,
            PipelineKind::kStep, PipelineKind::kLoss64, PipelineKind::kTrace}) {
        std::set<std::string> unique;
        const Graph graph = PipelineGraph(*training, kind);
        for (const Argument& argument :
             ListArguments(graph, {kind, 8, Schedule::kFast, "momentum"})) {
          EXPECT_TRUE(unique.insert(argument.name).second)
              << word << ": " << argument.name;
          EXPECT_NE(argument.name, "target");
          EXPECT_NE(argument.name, "block");
        }
      }
    }
  }
}

TEST(ArgumentNamesTest, CollisionsAreRefused) {
  const auto refused = [](std::function<void(ModelBuilder&, Value)> add) {
    ModelBuilder m;
    const Value x = m.Input("x", {1}), y = m.Target("y", {1});
    const Value out = m.Dense("fc", x, {.out = 1});
    add(m, out);
    m.Loss(m.L2(out, y));
    const auto model = m.Build();
    EXPECT_TRUE(model.ok()) << model.status();
    const auto training = BuildTrainingGraph(model->graph);
    EXPECT_TRUE(training.ok()) << training.status();
    return CheckArgumentNames(*training);
  };
  // The updated weight of the step is fc_weight_out, and so is a metric called
  // fc_weight.
  EXPECT_TRUE(IsOneLineError(
      refused([](ModelBuilder& m, Value out) {
        m.Metric("fc_weight",
                 m.Apply("total", std::make_shared<SumOp>(), {out}));
      }),
      {"argument_names_test.cc:",
       "an argument called fc_weight_out themselves"}));
}

TEST(ArgumentNamesTest, LayersNamedAsAnArgumentAreRefused) {
  for (const char* word :
       {"workspace", "scale", "accumulate", "momentum", "sample_index",
        "loss_out", "x_data", "y_target", "out_out"}) {
    Names names;
    names.layer = word;
    const auto training = Training(names);
    ASSERT_TRUE(training.ok()) << training.status();
    EXPECT_TRUE(IsOneLineError(
        CheckArgumentNames(*training),
        {"argument_names_test.cc:", absl::StrCat(": ", word, ": "),
         absl::StrCat("have an argument called ", word, " themselves")}));
  }
  for (const char* word : {"block", "target", "kind", "n", "float"}) {
    Names names;
    names.layer = word;
    const auto training = Training(names);
    ASSERT_TRUE(training.ok()) << training.status();
    EXPECT_TRUE(CheckArgumentNames(*training).ok()) << word;
  }
}

// The trace of layer fc is fc_trace.
TEST(ArgumentNamesTest, ALayerNamedAsATraceIsRefused) {
  ModelBuilder m;
  const Value x = m.Input("x", {4}), y = m.Target("y", {1});
  const Value out =
      m.Dense("fc_trace", m.Dense("fc", x, {.out = 2}), {.out = 1});
  m.Output("out", out);
  m.Loss(m.L2(out, y));
  const auto model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(IsOneLineError(
      CheckArgumentNames(BuildTrainingGraph(model->graph).value()),
      {"fc_trace: the pipelines have an argument called fc_trace"}));
}

TEST(ArgumentNamesTest, TheModelsAreFine) {
  for (const std::string& name : ModelNames()) {
    const auto model = BuildModel(name);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto training = BuildTrainingGraph(model->graph);
    ASSERT_TRUE(training.ok()) << training.status();
    EXPECT_TRUE(CheckArgumentNames(*training).ok())
        << CheckArgumentNames(*training);
  }
}

}  // namespace
}  // namespace kiln
