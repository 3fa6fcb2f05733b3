// The fused steps' updates against the formulas of runtime/optimizer.h, with
// each parameter's own multipliers, on the interpreter's gradients.
#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "Halide.h"
#include "dsl/model.h"
#include "dsl/ops/dense.h"
#include "dsl/passes.h"
#include "generators/pipeline.h"
#include "gtest/gtest.h"
#include "tests/support/forced_schedules.h"
#include "tests/support/interpreter.h"
#include "tests/support/jit_binding.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

constexpr float kLearningRate = 0.3f, kMomentum = 0.8f, kWeightDecay = 0.5f;

// Multipliers of learning rate and weight decay: 2 and 0.25 of fc.weight, 1 and
// 0 of fc.bias; fc2's weight is frozen, its bias has neither. fc.bias is whole
// vectors of 8, fc2.bias is not.
Graph Training() {
  ModelBuilder m;
  const Initializer init = Initializer::Uniform(-1, 1);
  const Value x = m.Input("x", {5}), y = m.Target("y", {3});
  const Value weight =
      m.Parameter("fc.weight", {.shape = {8, 5},
                                .init = init,
                                .lr_multiplier = 2,
                                .weight_decay_multiplier = 0.25});
  const Value bias = m.Parameter(
      "fc.bias", {.shape = {8}, .init = init, .weight_decay_multiplier = 0});
  const Value hidden =
      m.Tanh(m.Apply("fc", std::make_shared<DenseOp>(), {x, weight, bias}));
  const Value frozen = m.Parameter(
      "fc2.weight", {.shape = {3, 8}, .init = init, .frozen = true});
  const Value bias2 = m.Parameter("fc2.bias", {.shape = {3}, .init = init});
  const Value out =
      m.Apply("fc2", std::make_shared<DenseOp>(), {hidden, frozen, bias2});
  m.Loss(m.L2(out, y));
  return *BuildTrainingGraph(m.Build()->graph);
}

double LearningRateOf(const std::string& parameter) {
  return parameter == "fc.weight" ? 2 * kLearningRate : kLearningRate;
}

double DecayOf(const std::string& parameter) {
  return parameter == "fc.weight" ? 0.25 * kWeightDecay
         : parameter == "fc.bias" ? 0
                                  : kWeightDecay;
}

// Dense layers with lanes over features: adjoints are summed over 6 rows of
// fc2's weight at a time, or all 8 of fc3's, as those are updated; fc4 has one.
Graph DenseLayers() {
  ModelBuilder m;
  const DenseOptions twelve = {.out = 12};
  Value x = m.Input("x", {16});
  x = m.Tanh(m.Dense("fc1", x, twelve));
  x = m.Tanh(m.Dense("fc2", x, twelve));
  x = m.Tanh(m.Dense("fc3", x, {.out = 8}));
  x = m.Dense("fc4", x, {.out = 1});
  m.Loss(m.L2(x, m.Target("y", {1})));
  return *BuildTrainingGraph(m.Build()->graph);
}

// Momentum is updated in place, as the runtime does.
void ExpectFormula(const Graph& training, const std::string& optimizer,
                   Schedule schedule, int block, int parameters) {
  const bool has_momentum = optimizer == "momentum";
  const GraphValues values = RandomValues(training, block, /*seed=*/4);
  const Gradients gradients = *InterpretGradients(training, values);
  const PipelineOptions options = {PipelineKind::kStep, block, schedule,
                                   optimizer};
  const Graph graph = PipelineGraph(training, options.kind);
  const std::vector<Argument> arguments = ListArguments(graph, options);
  JitInputs inputs(arguments);
  ASSERT_TRUE(BindData(arguments, values, &inputs).ok());
  std::vector<int64_t> rows(block);
  std::iota(rows.begin(), rows.end(), 0);
  BindBlock(arguments, values, block, rows, 0, &inputs);
  inputs.Set("learning_rate", kLearningRate);
  inputs.Set("weight_decay", kWeightDecay);
  if (has_momentum) inputs.Set("momentum", kMomentum);
  const Halide::Target target = Halide::get_jit_target_from_environment();
  Halide::Pipeline pipeline(BuildPipeline(graph, options, target, inputs));

  std::vector<Halide::Buffer<>> outputs;
  std::vector<Argument> results;
  std::map<std::string, std::vector<double>> velocity;
  std::map<std::string, Halide::Buffer<>> states;
  for (const Argument& argument : arguments) {
    if (argument.kind == ArgumentKind::kStateIn) {
      Halide::Buffer<> state(argument.type, argument.extents);
      velocity[argument.tensor] =
          RandomVector(state.number_of_elements(), /*seed=*/5);
      FillBuffer(velocity[argument.tensor], state);
      inputs.Set(argument.name, state);
      states[argument.tensor] = state;
    }
    if (!IsOutput(argument)) continue;
    if (argument.kind == ArgumentKind::kStateOut) {
      outputs.push_back(states.at(argument.tensor));
    } else {
      outputs.emplace_back(argument.type, argument.extents);
    }
    results.push_back(argument);
  }
  Halide::Realization realization(outputs);
  pipeline.realize(realization, target);

  int updated = 0;
  for (size_t k = 0; k < results.size(); ++k) {
    const bool is_state = results[k].kind == ArgumentKind::kStateOut;
    if (!is_state && results[k].kind != ArgumentKind::kParameterOut) continue;
    const std::string& tensor = results[k].tensor;
    const std::vector<double> got = ReadBuffer(outputs[k]);
    ASSERT_EQ(got.size(), gradients.at(tensor).size());
    for (size_t i = 0; i < got.size(); ++i) {
      const double p = values.tensors.at(tensor)[i];
      double v = gradients.at(tensor)[i] + DecayOf(tensor) * p;
      if (has_momentum) v += double{kMomentum} * velocity.at(tensor)[i];
      EXPECT_NEAR(got[i], is_state ? v : p - LearningRateOf(tensor) * v, 1e-6)
          << results[k].name << " " << i << ", block " << block;
      ++updated;
    }
  }
  EXPECT_EQ(updated, parameters * (has_momentum ? 2 : 1));
}

// All but the frozen weight.
void ExpectFormula(const std::string& optimizer, Schedule schedule, int block) {
  ExpectFormula(Training(), optimizer, schedule, block, 40 + 8 + 3);
}

TEST(FusedStepTest, SgdHonoursMultipliers) {
  ExpectFormula("sgd", Schedule::kFast, 8);
  ExpectFormula("sgd", Schedule::kFast, 1);
  ExpectFormula("sgd", Schedule::kNaive, 8);
}

TEST(FusedStepTest, MomentumHonoursMultipliers) {
  ExpectFormula("momentum", Schedule::kFast, 8);
  ExpectFormula("momentum", Schedule::kFast, 1);
  ExpectFormula("momentum", Schedule::kNaive, 8);
}

// The sums of a wide layer's rows would fill the second cache, and a BUDGET.
TEST(FusedStepTest, SumsOfRowsAreBounded) {
  const auto has_sums = [](int64_t features) {
    ModelBuilder m;
    Value x = m.Tanh(m.Dense("fc1", m.Input("x", {16}), {.out = features}));
    x = m.Dense("fc2", x, {.out = 128});
    m.Loss(m.L2(x, m.Target("y", {128})));
    const PipelineOptions options = {PipelineKind::kStep, 1, Schedule::kFast,
                                     "momentum"};
    std::vector<Halide::Func> outputs;
    Choices(*BuildTrainingGraph(m.Build()->graph), options, &outputs);
    const std::vector<std::string> names = FuncNames(outputs);
    return std::count(names.begin(), names.end(), "fc2_d_input_partial") == 1;
  };
  EXPECT_TRUE(has_sums(1024));  // 16 rows of sums, 64 KB
  EXPECT_FALSE(has_sums(1040));
}

// Its update needs the lower layer's adjoint, which is a sum over its rows.
TEST(FusedStepTest, AWeightOfTwoLayersIsUpdatedAfterBoth) {
  ModelBuilder m;
  const Value x = m.Input("x", {8}),
              weight = m.Parameter(
                  "weight",
                  {.shape = {8, 8}, .init = Initializer::Uniform(-1, 1)});
  const auto dense = std::make_shared<DenseOp>();
  const Value hidden = m.Tanh(m.Apply("fc1", dense, {x, weight})),
              out = m.Apply("fc2", dense, {hidden, weight});
  m.Loss(m.L2(out, m.Target("y", {8})));
  ExpectFormula(*BuildTrainingGraph(m.Build()->graph), "momentum",
                Schedule::kFast, 1, 64);
}

TEST(FusedStepTest, AdjointsOfOneSampleAreSummedAsWeightsAreUpdated) {
  constexpr int kParameters = 17 * 12 + 13 * 12 + 13 * 8 + 9;
  ExpectFormula(DenseLayers(), "momentum", Schedule::kFast, 1, kParameters);
}

}  // namespace
}  // namespace kiln
