// The tuner's record: what is refused, and that what is taken gives the tile
// and changes no result.
#include "generators/schedule_record.h"

#include <algorithm>
#include <string>
#include <vector>

#include "Halide.h"
#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "generators/pipeline.h"
#include "generators/target_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/jit.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

constexpr int kRegisters = 32;

PipelineOptions GradOf(int block) {
  PipelineOptions options;
  options.kind = PipelineKind::kGrad;
  options.block = block;
  return options;
}
const PipelineOptions kGradOfEight = GradOf(8);

// A record that holds this one entry.
std::string RecordText(const std::string& pipeline, const std::string& node,
                       const TileSpace& space, const Tile& tile) {
  return absl::StrCat(R"({"kiln_schedules": 1, "pipelines": {")", pipeline,
                      R"(": {")", node, R"(": {"space": [)", space.vectors,
                      ", ", space.channels, R"(], "tile": [)", tile.vectors,
                      ", ", tile.channels, "]}}}}");
}

absl::StatusOr<ScheduleRecord> Parse(const std::string& text) {
  const TemporaryDirectory directory;
  WriteBytes(directory / "record.json", text);
  return ScheduleRecord::Load(directory / "record.json");
}

TEST(ScheduleRecordTest, RefusesWhatIsNoRecord) {
  EXPECT_TRUE(IsOneLineError(ScheduleRecord::Load("/nosuch/record.json"),
                             {"/nosuch/record.json", "cannot be read"}));
  for (const char* text : {"", "{", "[1]", "{}", "7"}) {
    EXPECT_TRUE(IsOneLineError(Parse(text),
                               {"record.json", "not a record of schedules"}))
        << text;
  }
  for (const char* text :
       {R"({"kiln_schedules": 1})", R"({"kiln_schedules": 1, "pipelines": 3})",
        R"({"kiln_schedules": 1, "pipelines": {"grad_b8": {"conv1": {}}}})",
        R"({"kiln_schedules": 1, "pipelines":
            {"grad_b8": {"conv1": {"space": [28], "tile": [4, 6]}}}})",
        R"({"kiln_schedules": 1, "pipelines":
            {"grad_b8": {"conv1": {"space": [28, 6], "tile": ["4", 6]}}}})"}) {
    EXPECT_TRUE(IsOneLineError(Parse(text), {"record.json"})) << text;
  }
}

TEST(ScheduleRecordTest, RefusesOtherVersions) {
  for (const char* version : {"0", "2", "1.5", "\"1\"", "null"}) {
    EXPECT_TRUE(IsOneLineError(
        Parse(absl::StrCat(R"({"kiln_schedules": )", version,
                           R"(, "pipelines": {}})")),
        {"record.json", absl::StrCat("of version ", version, ", not 1")}));
  }
}

TEST(ScheduleRecordTest, FindsTheTileOfItsPipelineAndNodeAlone) {
  const TileSpace space = {.vectors = 28, .channels = 6};
  const auto record = Parse(RecordText("grad_b8", "conv1", space, {7, 3}));
  ASSERT_TRUE(record.ok()) << record.status();
  const Tile* tile = record->Find(kGradOfEight, "conv1", space, kRegisters);
  ASSERT_NE(tile, nullptr);
  EXPECT_EQ(*tile, (Tile{7, 3}));
  EXPECT_THAT(record->Stale(kGradOfEight), testing::IsEmpty());

  PipelineOptions other = kGradOfEight;
  other.block = 16;
  EXPECT_EQ(record->Find(other, "conv1", space, kRegisters), nullptr);
  other = kGradOfEight;
  other.kind = PipelineKind::kStep;
  other.optimizer = "sgd";
  EXPECT_EQ(PipelineKey(other), "step_sgd_b8");
  EXPECT_EQ(record->Find(other, "conv1", space, kRegisters), nullptr);
  EXPECT_EQ(record->Find(kGradOfEight, "conv2", space, kRegisters), nullptr);
  EXPECT_THAT(record->Stale(other), testing::IsEmpty());
}

TEST(ScheduleRecordTest, StaleEntriesAreNotUsedAndSayWhy) {
  const TileSpace was = {.vectors = 28, .channels = 6};
  const auto stale = [&](const Tile& tile, const TileSpace& now) {
    const auto record = Parse(RecordText("grad_b8", "conv1", was, tile));
    EXPECT_EQ(record->Find(kGradOfEight, "conv1", now, kRegisters), nullptr);
    const std::vector<std::string> entries = record->Stale(kGradOfEight);
    return entries.size() == 1 ? entries[0] : "";
  };
  EXPECT_EQ(stale({7, 3}, {.vectors = 24, .channels = 6}),
            "grad_b8 conv1: recorded for 28 x 6, now 24 x 6");
  EXPECT_EQ(stale({7, 3}, {.vectors = 28, .channels = 8}),
            "grad_b8 conv1: recorded for 28 x 6, now 28 x 8");
  // More than the registers hold, or the extents, or what must divide them.
  for (const Tile& tile : {Tile{7, 4}, Tile{1, 7}, Tile{0, 3}, Tile{-1, 3}}) {
    EXPECT_THAT(stale(tile, was), testing::HasSubstr("is none of 28 x 6"));
  }
  EXPECT_THAT(
      stale({5, 3}, {.vectors = 28, .channels = 6, .exact_vectors = true}),
      testing::HasSubstr("the tile 5 x 3 is none of 28 x 6"));
  // Of a layer that is no longer there.
  const auto record = Parse(RecordText("grad_b8", "conv1", was, {7, 3}));
  EXPECT_THAT(record->Stale(kGradOfEight),
              testing::ElementsAre("grad_b8 conv1: there is no such node"));
}

// Every kind of accumulator that takes a tile.
Graph Training() {
  ModelBuilder m;
  Value x = m.Input("x", {2, 9, 9});
  const Value label = m.Labels("label", 5);
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 6, .kernel = 3}));
  x = m.Relu(m.Conv2d("conv2", x, {.out_channels = 4, .kernel = 2}));
  x = m.Tanh(m.Dense("fc1", m.Flatten(x), {.out = 12}));
  x = m.Dense("fc2", x, {.out = 5});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  return *BuildTrainingGraph(m.Build()->graph);
}

std::vector<TileChoice> Choices(const Graph& training,
                                const PipelineOptions& options) {
  const Graph graph = PipelineGraph(training, options.kind);
  JitInputs inputs(ListArguments(graph, options));
  std::vector<TileChoice> choices;
  BuildPipeline(graph, options, Halide::get_jit_target_from_environment(),
                inputs, &choices);
  return choices;
}

// All nodes by the tile at `share` of their candidates, the dearest at 1.
void ExpectSameResults(int block, double share) {
  const Graph training = Training();
  PipelineOptions options = GradOf(block);
  const int registers =
      VectorRegisters(Halide::get_jit_target_from_environment());
  std::vector<std::string> nodes;
  std::map<std::string, Tile> tiles;
  for (const TileChoice& choice : Choices(training, options)) {
    EXPECT_FALSE(choice.is_tuned);
    const std::vector<Tile> all = TilesByCost(choice.space, registers);
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all[0], choice.computed);
    const Tile tile = all[static_cast<size_t>(share * (all.size() - 1))];
    tiles[choice.node] = tile;
    nodes.push_back(absl::StrCat("\"", choice.node, "\": {\"space\": [",
                                 choice.space.vectors, ",",
                                 choice.space.channels, "], \"tile\": [",
                                 tile.vectors, ",", tile.channels, "]}"));
  }
  std::string joined;
  for (const std::string& node : nodes)
    absl::StrAppend(&joined, joined.empty() ? "" : ", ", node);
  const auto record =
      Parse(absl::StrCat(R"({"kiln_schedules": 1, "pipelines": {"grad_b)",
                         block, "\": {", joined, "}}}"));
  ASSERT_TRUE(record.ok()) << record.status();
  options.tuned = &*record;

  int changed = 0;
  for (const TileChoice& choice : Choices(training, options)) {
    EXPECT_TRUE(choice.is_tuned) << choice.node;
    EXPECT_EQ(choice.chosen, tiles[choice.node]) << choice.node;
    if (!(choice.chosen == choice.computed)) ++changed;
  }
  EXPECT_GE(changed, 6) << "convolutions and dense layers, three ways each";
  EXPECT_THAT(record->Stale(options), testing::IsEmpty());

  const GraphValues values = RandomValues(training, /*batch=*/13, /*seed=*/2);
  const auto actual = RunJit(training, options, values);
  ASSERT_TRUE(actual.ok()) << actual.status();
  const auto expected = InterpretOutputs(training, values);
  ASSERT_TRUE(expected.ok()) << expected.status();
  BoundCheck check;
  const absl::Status gradients =
      check.Compare("gradient", actual->gradients, expected->gradients);
  EXPECT_TRUE(gradients.ok()) << gradients;
  const absl::Status totals = check.CompareTotals(*actual, *expected);
  EXPECT_TRUE(totals.ok()) << totals;
}

TEST(ScheduleRecordTest, TheDearestTilesGiveTheSameResults) {
  ExpectSameResults(16, 1);
}

TEST(ScheduleRecordTest, MiddlingTilesGiveTheSameResults) {
  ExpectSameResults(8, 0.4);
}

TEST(ScheduleRecordTest, TargetsAreNamedByTheirStrongestInstructionSet) {
  const auto name = [](const std::string& target) {
    return TargetName(Halide::Target(target));
  };
  EXPECT_EQ(name("x86-64-linux-avx-avx2-f16c-fma-sse41"), "x86-64-linux-avx2");
  EXPECT_EQ(name("x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41"),
            "x86-64-linux-avx512_skylake");
  EXPECT_EQ(name("x86-64-linux-no_runtime-sse41"), "x86-64-linux-sse41");
  EXPECT_EQ(name("x86-64-linux-large_buffers-sse41"),
            "x86-64-linux-sse41-large_buffers");
  EXPECT_EQ(name("x86-64-linux"), "x86-64-linux");
  EXPECT_EQ(name("arm-64-linux-no_runtime"), "arm-64-linux");
  EXPECT_EQ(name("host"), name("host-no_runtime"));
}

}  // namespace
}  // namespace kiln
