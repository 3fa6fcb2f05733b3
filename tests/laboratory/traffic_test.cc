// Bytes counted by hand. xor_mlp is 2 - 4 - 1: 8 + 4 + 4 + 1 = 17 parameters,
// 68 bytes; a sample is two floats and its target one. The backward pass reads
// tanh1 (4 floats) and the logit (1): 20 bytes a sample. Arenas start each of
// the four tensors at a multiple of 16 floats: 256 bytes.
#include "bench/traffic.h"

#include "gtest/gtest.h"
#include "runtime/bundle.h"
#include "xor_mlp.h"

namespace kiln {
namespace {

const Manifest& XorMlp() {
  static const Manifest manifest = ReadManifest(models::xor_mlp()).value();
  return manifest;
}

Traffic Of(PipelineKind kind, int64_t block, const char* optimizer = "") {
  for (const PipelineSpec& spec : XorMlp().pipelines) {
    if (spec.kind == kind && spec.block == block && spec.optimizer == optimizer)
      return PipelineTraffic(XorMlp(), spec);
  }
  ADD_FAILURE() << "no such pipeline";
  return {};
}

TEST(TrafficTest, ValuesThatTheBackwardPassReads) {
  EXPECT_EQ(SavedBytes(XorMlp()), 20);
}

TEST(TrafficTest, InferenceReadsParametersAndRowsAndWritesOutputs) {
  const Traffic traffic = Of(PipelineKind::kInfer, 8);
  EXPECT_EQ(traffic.bytes, 68 + 8 * 8 + 8 * 4);
  EXPECT_EQ(traffic.working_set, 68 + 8 * 8 + 8 * 4);
}

TEST(TrafficTest, GradientIsReadAndWritten) {
  // Of the parameters the backward pass reads fc2.weight again, 16 bytes: the
  // gradient of the data is nobody's, so fc1.weight is not.
  const Traffic traffic = Of(PipelineKind::kGrad, 8);
  EXPECT_EQ(traffic.bytes, 68 + 16 + 2 * 68 + 8 * 12 + 2 * 8 * 20);
  EXPECT_EQ(traffic.working_set, 68 + 68 + 8 * 12 + 8 * 20);
}

TEST(TrafficTest, StepReadsWeightsTwiceAndAllElseOnce) {
  const Traffic traffic = Of(PipelineKind::kStep, 8, "momentum");
  EXPECT_EQ(traffic.bytes, 3 * 68 + 2 * 68 + 8 * 12 + 2 * 8 * 20);
  const Traffic sgd = Of(PipelineKind::kStep, 8, "sgd");
  EXPECT_EQ(sgd.bytes, 3 * 68 + 8 * 12 + 2 * 8 * 20);
}

TEST(TrafficTest, FusedStepIsThatOfTheSmallestBlockThatHoldsTheBatch) {
  EXPECT_EQ(StepTraffic(XorMlp(), 1, /*fused=*/true).bytes,
            Of(PipelineKind::kStep, 1, "momentum").bytes);
  EXPECT_EQ(StepTraffic(XorMlp(), 4, /*fused=*/true).bytes,
            Of(PipelineKind::kStep, 8, "momentum").bytes);
}

TEST(TrafficTest, BlocksSlotsAndTheUpdateApartAddUp) {
  // Two blocks in two slots: one added to the other, and the update reads
  // gradient, parameters and state and writes the last two.
  const Traffic traffic = StepTraffic(XorMlp(), 16, /*fused=*/false);
  const Traffic block = Of(PipelineKind::kGrad, 8);
  EXPECT_EQ(traffic.bytes, 2 * block.bytes + 3 * 256 + 5 * 256);
  EXPECT_EQ(traffic.working_set, block.working_set + 2 * 256);
}

TEST(MemoryLevelTest, TheSmallestThatHoldsIt) {
  const std::vector<MemoryLevel> levels = {
      {"L1", 100}, {"L2", 1000}, {"DRAM", 4000}};
  EXPECT_EQ(LevelOf(levels, 100), 0);
  EXPECT_EQ(LevelOf(levels, 101), 1);
  EXPECT_EQ(LevelOf(levels, 1001), 2);
  EXPECT_EQ(LevelOf(levels, 9000), 2);
}

TEST(MemoryLevelTest, EndInDramAndGrow) {
  const std::vector<MemoryLevel> levels = MemoryLevels();
  EXPECT_EQ(levels.back().name, "DRAM");
  for (size_t i = 1; i < levels.size(); ++i)
    EXPECT_GT(levels[i].bytes, levels[i - 1].bytes);
}

}  // namespace
}  // namespace kiln
