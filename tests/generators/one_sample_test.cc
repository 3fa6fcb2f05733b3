// The schedules for a block of one sample: which lanes an image gets, and nets
// whose layers together need all of them, against the interpreter.
#include "generators/one_sample.h"

#include <string>
#include <vector>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "generators/pipeline.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// A Lowering to ask, for a machine with AVX-512 or AVX2.
class LanesOfTarget {
 public:
  explicit LanesOfTarget(const std::string& features)
      : lowering_(
            graph_, {PipelineKind::kPrepare, 1, Schedule::kFast, ""},
            Halide::Target("x86-64-linux-sse41-avx-f16c-fma-avx2" + features),
            inputs_) {}
  PixelLanes operator()(const Shape& shape) const {
    return PixelLanesOf(lowering_, shape);
  }

 private:
  Graph graph_;
  JitInputs inputs_{{}};
  Lowering lowering_;
};

TEST(OneSampleTest, LanesAreWhateverNeedsFewerVectors) {
  const LanesOfTarget avx512("-avx512-avx512_skylake"), avx2("");
  const auto is = [](PixelLanes lanes, bool channels, int vector) {
    return lanes.channels == channels && lanes.vector == vector;
  };
  EXPECT_TRUE(is(avx512({1, 28, 28}), false, 16));
  EXPECT_TRUE(is(avx512({6, 14, 14}), false, 8)) << "at most the columns";
  EXPECT_TRUE(is(avx512({16, 10, 10}), true, 16));
  EXPECT_TRUE(is(avx512({16, 5, 5}), true, 16));
  EXPECT_TRUE(is(avx2({16, 10, 10}), true, 8));
  EXPECT_TRUE(is(avx512({8, 8, 8}), true, 8)) << "channels if equal";
  EXPECT_TRUE(is(avx512({12, 5, 5}), true, 4)) << "a vector divides them";
  EXPECT_TRUE(is(avx512({10, 1, 1}), false, 1)) << "neither";
}

// Of `m`, which has its outputs, by block 1.
void ExpectMatch(ModelBuilder& m, Value x, const std::string& what) {
  m.Output("y", x);
  m.Loss(m.L2(x, m.Target("t", {3})));
  const absl::StatusOr<Model> model = m.Build();
  ASSERT_TRUE(model.ok()) << what << ": " << model.status();
  const absl::StatusOr<EmittedCheckReport> report = CheckEmitted(
      model->graph, RandomValues(model->graph, /*batch=*/2, 3), {.block = 1});
  EXPECT_TRUE(report.ok()) << what << ": " << report.status();
}

// Columns first, channels later; padding; both poolings.
TEST(OneSampleTest, FromColumnsToChannels) {
  ModelBuilder m;
  Value x = m.Input("x", {1, 12, 12});
  x = m.AvgPool(m.Tanh(
      m.Conv2d("conv1", x, {.out_channels = 6, .kernel = 5, .padding = 2})));
  x = m.MaxPool(
      m.Relu(m.Conv2d("conv2", x, {.out_channels = 16, .kernel = 3})));
  x = m.Tanh(m.Dense("fc1", m.Flatten(x), {.out = 20}));
  ExpectMatch(m, m.Dense("fc2", x, {.out = 3}), "columns to channels");
}

// Lanes of channels on both sides of a convolution with stride and padding, and
// an adjoint that comes back from a vector.
TEST(OneSampleTest, FromChannelsToChannels) {
  ModelBuilder m;
  Value x = m.Input("x", {3, 9, 7});
  x = m.Tanh(m.Conv2d("conv1", x, {.out_channels = 8, .kernel = 1}));
  x = m.Tanh(
      m.Conv2d("conv2", x,
               {.out_channels = 32, .kernel = 3, .stride = 2, .padding = 1}));
  x = m.Tanh(m.Conv2d("conv3", x, {.out_channels = 12, .kernel = 3}));
  ExpectMatch(m, m.Dense("fc", m.Flatten(x), {.out = 3}), "channels");
}

// Rows too long to unroll in the input gradient, whose last vector overlaps the
// one before; a kernel that more than fills the registers.
TEST(OneSampleTest, LongRows) {
  ModelBuilder m;
  Value x = m.Input("x", {2, 3, 71});
  x = m.Tanh(m.Conv2d("conv1", x, {.out_channels = 3, .kernel = 1}));
  x = m.Tanh(m.Conv2d("conv2", x, {.out_channels = 32, .kernel = 3}));
  ExpectMatch(m, m.Dense("fc", m.Flatten(x), {.out = 3}), "long rows");
}

TEST(OneSampleTest, LargeKernels) {
  ModelBuilder m;
  Value x = m.Input("x", {2, 11, 11});
  x = m.Tanh(m.Conv2d("conv1", x, {.out_channels = 3, .kernel = 1}));
  x = m.Tanh(m.Conv2d("conv2", x, {.out_channels = 16, .kernel = 7}));
  ExpectMatch(m, m.Dense("fc", m.Flatten(x), {.out = 3}), "large kernels");
}

// Neither channels nor columns fill a vector.
TEST(OneSampleTest, SmallImages) {
  ModelBuilder m;
  Value x = m.Input("x", {3, 3, 3});
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 5, .kernel = 2}));
  x = m.Tanh(m.Conv2d("conv2", x, {.out_channels = 7, .kernel = 2}));
  x = m.Tanh(m.Dense("fc1", m.Flatten(x), {.out = 5}));
  ExpectMatch(m, m.Dense("fc2", x, {.out = 3}), "small images");
}

}  // namespace
}  // namespace kiln
