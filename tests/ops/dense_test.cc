#include <string>
#include <vector>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/forced_schedules.h"

namespace kiln {
namespace {

TEST(DenseTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("dense", Schedule::kFast);
}
TEST(DenseTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("dense", Schedule::kNaive);
}

Graph TwoLayers(int64_t features, Storage storage) {
  ModelBuilder m;
  Value x = m.Input("x", {features}, {.storage = storage, .scale = 0.01});
  x = m.Tanh(m.Dense("fc1", x, {.out = 6}));
  x = m.Dense("fc2", x, {.out = 3});
  m.Output("y", x);
  m.Loss(m.L2(x, m.Target("t", {3})));
  return *BuildTrainingGraph(m.Build()->graph);
}

std::vector<std::string> FuncsOf(const Graph& training, int block) {
  std::vector<Halide::Func> outputs;
  Choices(training, GradOf(block), &outputs);
  return FuncNames(outputs);
}

// Once, by the loop over columns; of few samples the layer itself has them.
TEST(DenseTest, TheFirstWeightGradientReadsTheDataSetByColumns) {
  using testing::Contains;
  using testing::Not;
  const Graph training = TwoLayers(40, Storage::kUint8);
  const std::vector<std::string> many = FuncsOf(training, 64),
                                 few = FuncsOf(training, 2);
  EXPECT_THAT(many, Contains("fc1_d_weight_columns"));
  EXPECT_THAT(many, Not(Contains("x_transposed")));
  EXPECT_THAT(many, Contains("tanh1_transposed"));
  EXPECT_THAT(few, Not(Contains("fc1_d_weight_columns")));
  EXPECT_THAT(few, Contains("x_transposed"));
}

// Of each order of its loops, with tiles that do not divide the features.
TEST(DenseTest, WeightGradientsOfDataMatchTheInterpreter) {
  for (const Storage storage : {Storage::kUint8, Storage::kFloat32}) {
    for (const std::string family : {"o i", "i o"}) {
      int count = 0;
      ExpectSameResults(TwoLayers(57, storage), 16,
                        [&](const ScheduleChoice& choice) {
                          if (choice.node != "fc1_d_weight")
                            return choice.computed;
                          ++count;
                          for (const Family& of : choice.families) {
                            if (of.name == family)
                              return NodeSchedule{family, TileAt(of, 0)};
                          }
                          return choice.computed;
                        });
      EXPECT_EQ(count, 1);
    }
  }
}

}  // namespace
}  // namespace kiln
