#include "dsl/ops/input.h"

#include <memory>

#include "dsl/ops/sum.h"
#include "gtest/gtest.h"
#include "tests/support/graph_testing.h"
#include "tests/support/jit.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// The gather: samples are read where the index says, as stored, and scaled.
class InputTest : public ::testing::TestWithParam<InputFormat> {};

TEST_P(InputTest, GathersAndScalesRows) {
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{2, 3, 5}, Shape{1, 8, 8},
                             Shape{37}, Shape{48}}) {
    GraphMaker maker;
    maker.Head("x", maker.Input("x", shape, GetParam()));
    GraphValues values = RandomValues(maker.graph(), 9, 1);
    if (GetParam().storage == Storage::kUint8) values.tensors["x"][0] = 255;
    const std::vector<double> expected = ValueOf(maker.graph(), values, "x");
    const std::vector<int64_t> rows = {
        8, 0, 3, 3, 7, 1,
        8, 2, 0, 5, 4};  // longer than a block, with repetitions
    for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
      for (const int block : {1, 4, 8, 16}) {
        auto pipeline = JitPipeline::Compile(
            maker.graph(), {PipelineKind::kInfer, block, schedule, ""});
        ASSERT_TRUE(pipeline.ok()) << pipeline.status();
        const auto result = pipeline->Run(values, {}, rows);
        ASSERT_TRUE(result.ok()) << result.status();
        const std::vector<double>& actual = result->heads.at("x");
        const int64_t size = ElementCount(shape);
        ASSERT_EQ(static_cast<int64_t>(actual.size()),
                  size * static_cast<int64_t>(rows.size()));
        for (size_t n = 0; n < rows.size(); ++n) {
          for (int64_t i = 0; i < size; ++i) {
            ASSERT_FLOAT_EQ(actual[n * size + i], expected[rows[n] * size + i])
                << "block " << block << ", sample " << n;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, InputTest,
    ::testing::Values(InputFormat{}, InputFormat{.scale = -2.5},
                      InputFormat{.storage = Storage::kUint8,
                                  .scale = 1.0 / 255}),
    [](const auto& info) { return "Format" + std::to_string(info.index); });

// A row outside the data set is a bug of the caller, but reads no memory
// outside it.
TEST(InputIndexTest, RowsOutsideTheDataSetReadTheNearestRow) {
  GraphMaker maker;
  maker.Head("x", maker.Input("x", {2}));
  const GraphValues values{.batch = 3, .tensors = {{"x", {1, 2, 3, 4, 5, 6}}}};
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    auto pipeline = JitPipeline::Compile(
        maker.graph(), {PipelineKind::kInfer, 4, schedule, ""});
    ASSERT_TRUE(pipeline.ok()) << pipeline.status();
    const auto result = pipeline->Run(values, {}, {-1, 1, 3, 1000000});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->heads.at("x"),
              (std::vector<double>{1, 2, 3, 4, 5, 6, 5, 6}));
  }
}

// Targets are gathered by the same index.
TEST(TargetTest, ValuesAndClassesAreGathered) {
  GraphMaker maker;
  const NodeId y = maker.Target("y", {2, 1, 3});
  maker.Loss(maker.Add(std::make_shared<SumOp>(), {y}));
  const GraphValues values{.batch = 3,
                           .tensors = {{"y",
                                        {1, 1, 1, 1, 1, 1, 10, 10, 10, 10, 10,
                                         10, 100, 100, 100, 100, 100, 100}}}};
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    auto pipeline = JitPipeline::Compile(
        maker.graph(), {PipelineKind::kEval, 8, schedule, ""});
    ASSERT_TRUE(pipeline.ok()) << pipeline.status();
    EXPECT_EQ(pipeline->Run(values, {}, {2, 2, 1})->loss, 6 * 210);
  }
}

}  // namespace
}  // namespace kiln
