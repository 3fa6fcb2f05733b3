// The tuner's record: what is refused, and that what is taken gives the tile
// and changes no result.
#include "generators/schedule_record.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "generators/pipeline.h"
#include "generators/target_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/forced_schedules.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

constexpr int kRegisters = 32;

constexpr char kComputation[] = "conv2d 1x32x32 kernel=5x5 : 6x28x28";
const PipelineOptions kGradOfEight = GradOf(8);

// A record that holds this one entry, of a node with one family.
std::string OneEntry(const std::string& pipeline, const std::string& node,
                     const TileSpace& space, const Tile& tile) {
  return RecordText(pipeline,
                    {EntryText(node, space, {"", tile}, kComputation)});
}

TEST(ScheduleRecordTest, RefusesWhatIsNoRecord) {
  EXPECT_TRUE(IsOneLineError(ScheduleRecord::Load("/nosuch/record.json"),
                             {"/nosuch/record.json", "cannot be read"}));
  for (const char* text : {"", "{", "[1]", "{}", "7"}) {
    EXPECT_TRUE(IsOneLineError(ParseRecord(text),
                               {"record.json", "not a record of schedules"}))
        << text;
  }
  for (const char* text :
       {R"({"kiln_schedules": 3})", R"({"kiln_schedules": 3, "pipelines": 3})",
        R"({"kiln_schedules": 3, "pipelines": {"grad_b8": {"conv1": {}}}})",
        R"({"kiln_schedules": 3, "pipelines":
            {"grad_b8": {"conv1": {"space": [28, "c"], "tile": [4, 6]}}}})",
        R"({"kiln_schedules": 3, "pipelines":
            {"grad_b8": {"conv1": {"space": [28, 6], "tile": [4, 6]}}}})",
        R"({"kiln_schedules": 3, "pipelines":
            {"grad_b8": {"conv1": {"space": [28, 6, "c"], "tile": ["4", 6]}}}})"}) {
    EXPECT_TRUE(IsOneLineError(ParseRecord(text), {"record.json"})) << text;
  }
}

TEST(ScheduleRecordTest, RefusesOtherVersions) {
  for (const char* version : {"0", "2", "4", "3.5", "\"3\"", "null"}) {
    EXPECT_TRUE(IsOneLineError(
        ParseRecord(absl::StrCat(R"({"kiln_schedules": )", version,
                                 R"(, "pipelines": {}})")),
        {"record.json", absl::StrCat("of version ", version, ", not 3")}));
  }
}

TEST(ScheduleRecordTest, FindsTheTileOfItsPipelineAndNodeAlone) {
  const TileSpace space = {.vectors = 28, .channels = 6};
  const auto record = ParseRecord(OneEntry("grad_b8", "conv1", space, {7, 3}));
  ASSERT_TRUE(record.ok()) << record.status();
  const std::vector<Family> families = {{"", space}};
  const NodeSchedule* schedule =
      record->Find(kGradOfEight, "conv1", kComputation, families, kRegisters);
  ASSERT_NE(schedule, nullptr);
  EXPECT_EQ(*schedule, (NodeSchedule{"", {7, 3}}));
  EXPECT_THAT(record->Stale(kGradOfEight), testing::IsEmpty());

  PipelineOptions other = kGradOfEight;
  other.block = 16;
  EXPECT_EQ(record->Find(other, "conv1", kComputation, families, kRegisters),
            nullptr);
  other = kGradOfEight;
  other.kind = PipelineKind::kStep;
  other.optimizer = "sgd";
  EXPECT_EQ(PipelineKey(other), "step_sgd_b8");
  EXPECT_EQ(record->Find(other, "conv1", kComputation, families, kRegisters),
            nullptr);
  EXPECT_EQ(
      record->Find(kGradOfEight, "conv2", kComputation, families, kRegisters),
      nullptr);
  EXPECT_THAT(record->Stale(other), testing::IsEmpty());
}

TEST(ScheduleRecordTest, StaleEntriesAreNotUsedAndSayWhy) {
  const TileSpace was = {.vectors = 28, .channels = 6};
  const auto stale = [&](const Tile& tile, const TileSpace& now) {
    const auto record = ParseRecord(OneEntry("grad_b8", "conv1", was, tile));
    EXPECT_EQ(record->Find(kGradOfEight, "conv1", kComputation, {{"", now}},
                           kRegisters),
              nullptr);
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
  const auto record = ParseRecord(OneEntry("grad_b8", "conv1", was, {7, 3}));
  EXPECT_THAT(record->Stale(kGradOfEight),
              testing::ElementsAre("grad_b8 conv1: there is no such node"));
}

// A layer with the same tiles and other work: kernel, stride, padding, inputs,
// whose tiles may be the same to a number.
TEST(ScheduleRecordTest, ALayerOfTheSameExtentsIsAnother) {
  const auto conv = [](int64_t channels, int64_t size, int64_t kernel,
                       int64_t stride, int64_t padding, bool bias) {
    ModelBuilder m;
    const Value x = m.Input("x", {channels, size, size});
    const Value y = m.Conv2d("conv1", x,
                             {.out_channels = 6,
                              .kernel = kernel,
                              .stride = stride,
                              .padding = padding,
                              .bias = bias});
    m.Output("y", y);
    m.Loss(m.L2(y, m.Target("t", {6, 10, 10})));
    return PipelineGraph(m.Build()->graph, PipelineKind::kInfer);
  };
  const auto infer = [](const Graph& graph, const ScheduleRecord* tuned) {
    PipelineOptions options;
    options.kind = PipelineKind::kInfer;
    options.block = 64;  // whole vectors at any stride
    options.tuned = tuned;
    JitInputs inputs(ListArguments(graph, options));
    std::vector<ScheduleChoice> choices;
    BuildPipeline(graph, options, Halide::get_jit_target_from_environment(),
                  inputs, &choices);
    return std::pair(choices.at(0), tuned == nullptr
                                        ? std::vector<std::string>()
                                        : tuned->Stale(options));
  };
  const ScheduleChoice was = infer(conv(2, 12, 3, 1, 0, true), nullptr).first;
  EXPECT_EQ(was.computation,
            "conv2d 2x12x12 per sample, 6x2x3x3, 6 kernel=3x3 stride=1x1 "
            "padding=0x0 : 6x10x10 per sample");
  const Family& family = was.families[0];
  const auto record = ParseRecord(RecordText(
      "infer_b64",
      {EntryText("conv1", family.space, was.computed, was.computation)}));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_TRUE(infer(conv(2, 12, 3, 1, 0, true), &*record).first.is_tuned);
  for (const Graph& now :
       {conv(2, 14, 5, 1, 0, true), conv(2, 10, 3, 1, 1, true),
        conv(2, 21, 3, 2, 0, true), conv(3, 12, 3, 1, 0, true),
        conv(2, 12, 3, 1, 0, false)}) {
    const auto [choice, stale] = infer(now, &*record);
    EXPECT_EQ(choice.families[0].space.vectors, family.space.vectors);
    EXPECT_EQ(choice.families[0].space.channels, family.space.channels);
    EXPECT_FALSE(choice.is_tuned) << choice.computation;
    EXPECT_THAT(stale, testing::ElementsAre(absl::StrCat(
                           "infer_b64 conv1: recorded for ", was.computation,
                           ", now ", choice.computation)));
  }
}

TEST(ScheduleRecordTest, FindsTheFamilyAndTheTileWithinIt) {
  const TileSpace samples = {.vectors = 1, .channels = 120},
                  features = {.vectors = 120, .channels = 1, .each = 8};
  const std::vector<Family> families = {{"samples", samples},
                                        {"features", features, Tile{9, 1}}};
  const auto find = [&](const TileSpace& space, const NodeSchedule& schedule) {
    const auto record = ParseRecord(RecordText(
        "grad_b8", {EntryText("fc1", space, schedule, kComputation)}));
    const NodeSchedule* found =
        record->Find(kGradOfEight, "fc1", kComputation, families, kRegisters);
    const std::vector<std::string> stale = record->Stale(kGradOfEight);
    EXPECT_EQ(stale.size(), found == nullptr ? 1 : 0);
    return found == nullptr
               ? stale.at(0)
               : absl::StrCat(found->family, " ", found->tile.vectors, " x ",
                              found->tile.channels);
  };
  EXPECT_EQ(find(samples, {"samples", {1, 12}}), "samples 1 x 12");
  EXPECT_EQ(find(features, {"features", {3, 1}}), "features 3 x 1");
  // Each has tiles of its own; 4 x 8 accumulators are too many, unless a rule
  // says so.
  EXPECT_EQ(find(samples, {"features", {3, 1}}),
            "grad_b8 fc1: recorded for 1 x 120, now 120 x 1");
  EXPECT_EQ(find(features, {"features", {4, 1}}),
            "grad_b8 fc1: the tile 4 x 1 is none of 120 x 1 in 32 registers");
  EXPECT_EQ(find(features, {"features", {9, 1}}), "features 9 x 1");
  for (const char* gone : {"", "columns"}) {
    EXPECT_EQ(find(samples, {gone, {1, 12}}),
              absl::StrCat("grad_b8 fc1: the family \"", gone,
                           "\" is none of \"samples\", \"features\""));
  }
}

// Every kind of accumulator that takes a tile, and of families.
Graph Training() {
  ModelBuilder m;
  Value x = m.Input("x", {2, 10, 10});
  const Value label = m.Labels("label", 5);
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 6, .kernel = 3}));
  x = m.Relu(m.Conv2d("conv2", x, {.out_channels = 4, .kernel = 2}));
  x = m.Tanh(m.Dense("fc1", m.Flatten(x), {.out = 12}));
  x = m.Dense("fc2", x, {.out = 5});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  return *BuildTrainingGraph(m.Build()->graph);
}

// All nodes by their `family`-th family, counted around, and in it by the tile
// at `share` of the candidates, the dearest at 1.
void ExpectSameResults(const Graph& training, int block, int family,
                       double share) {
  const int changed =
      ExpectSameResults(training, block, [&](const ScheduleChoice& choice) {
        const Family& chosen = choice.families[family % choice.families.size()];
        return NodeSchedule{chosen.name, TileAt(chosen, share)};
      });
  EXPECT_GE(changed, 6) << "convolutions and dense layers, three ways each";
}

// The families of the dense layers and of the weight gradients change the order
// of sums; the results stay within the bounds of rounding.
TEST(ScheduleRecordTest, TheDearestTilesGiveTheSameResults) {
  ExpectSameResults(Training(), 16, 0, 1);
}

TEST(ScheduleRecordTest, MiddlingTilesGiveTheSameResults) {
  ExpectSameResults(Training(), 8, 0, 0.4);
}

TEST(ScheduleRecordTest, OtherFamiliesGiveTheSameResults) {
  ExpectSameResults(Training(), 16, 1, 0.7);
  ExpectSameResults(Training(), 8, 2, 1);
  ExpectSameResults(Training(), 16, 3, 0.5);
  ExpectSameResults(Training(), 8, 5, 1);
}

TEST(ScheduleRecordTest, TilesAndFamiliesOfOneSampleGiveTheSameResults) {
  ExpectSameResults(Training(), 1, 1, 1);
}

// Convolutions of so many channels that the first cache does not hold what a
// tile reads; with 16 registers they are summed in blocks of channels. An odd
// number of rows, so that there are no other ways (conv2d_winograd.h).
Graph Wide() {
  ModelBuilder m;
  Value x = m.Input("x", {48, 7, 6});
  const Value label = m.Labels("label", 3);
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 44, .kernel = 3}));
  x = m.Tanh(
      m.Conv2d("conv2", x, {.out_channels = 44, .kernel = 3, .padding = 1}));
  x = m.Relu(m.Conv2d("conv3", x, {.out_channels = 7, .kernel = 2}));
  x = m.Dense("fc1", m.Flatten(x), {.out = 3});
  m.Output("logits", x);
  m.Loss(m.SoftmaxCrossEntropy(x, label));
  return *BuildTrainingGraph(m.Build()->graph);
}

// The machine without its 512-bit vectors, for as long as this lives.
class NarrowTarget {
 public:
  NarrowTarget() {
    Halide::Target target = Halide::get_host_target();
    for (const Halide::Target::Feature feature :
         {Halide::Target::AVX512, Halide::Target::AVX512_KNL,
          Halide::Target::AVX512_Skylake, Halide::Target::AVX512_Cannonlake,
          Halide::Target::AVX512_Zen4, Halide::Target::AVX512_Zen5,
          Halide::Target::AVX512_SapphireRapids, Halide::Target::AVX10_1})
      target = target.without_feature(feature);
    setenv("HL_JIT_TARGET", target.to_string().c_str(), 1);
  }
  ~NarrowTarget() { unsetenv("HL_JIT_TARGET"); }
};

TEST(ScheduleRecordTest, ChannelsInBlocksGiveTheSameResults) {
  const NarrowTarget narrow;
  if (VectorRegisters(Halide::get_jit_target_from_environment()) > 16)
    GTEST_SKIP() << "a target with more than 16 registers";
  const Graph wide = Wide();
  std::map<std::string, std::string> first;
  for (const ScheduleChoice& choice : Choices(wide, GradOf(16)))
    first[choice.node] = choice.families[0].name;
  EXPECT_EQ(first["conv1"], "in blocks c x y");
  EXPECT_EQ(first["conv2"], "in blocks c x y");
  EXPECT_EQ(first["conv2_d_input"], "in blocks unrolled c x y");
  ExpectSameResults(wide, 16, 0, 0.15);  // 2 x 6, which leave 2 of 44
  ExpectSameResults(wide, 16, 0, 1);
  ExpectSameResults(wide, 8, 0, 0.6);
}

// A pooling's gradient is unrolled over its rows: a loop that takes fewer would
// compute, and read, past the last.
TEST(ScheduleRecordTest, AdjointsAreComputedInWholePoolingWindows) {
  ModelBuilder m;
  Value x = m.Input("x", {1, 14, 14});
  x = m.Relu(m.Conv2d("conv1", x, {.out_channels = 4, .kernel = 3}));
  x = m.MaxPool(x, {.kernel = 3});
  x = m.Dense("fc1", m.Flatten(x), {.out = 2});
  m.Output("y", x);
  m.Loss(m.L2(x, m.Target("t", {2})));
  std::vector<std::string> names;
  for (const ScheduleChoice& choice :
       Choices(*BuildTrainingGraph(m.Build()->graph), GradOf(16))) {
    if (choice.node != "conv1_d_weight") continue;
    for (const Family& family : choice.families) names.push_back(family.name);
  }
  EXPECT_THAT(names, testing::ElementsAre("3 rows", "stored"));
}

TEST(ScheduleRecordTest, NodesHaveTheFamiliesThatAreRightForTheirBlock) {
  const auto families = [](int block) {
    std::map<std::string, std::vector<std::string>> names;
    for (const ScheduleChoice& choice : Choices(Training(), GradOf(block))) {
      for (const Family& family : choice.families)
        names[choice.node].push_back(family.name);
    }
    return names;
  };
  auto of_eight = families(8), of_one = families(1), of_many = families(64);
  using testing::ElementsAre;
  EXPECT_THAT(of_eight["conv1"], ElementsAre("x c y", "c x y", "x y c",
                                             "winograd x c", "winograd c x"));
  EXPECT_THAT(of_eight["conv1_d_weight"],
              ElementsAre("stored", "2 rows", "1 row", "4 rows"));
  EXPECT_THAT(of_eight["conv2_d_weight"], ElementsAre(""));
  EXPECT_THAT(of_eight["conv2_d_input"],
              ElementsAre("unrolled x c y", "unrolled c x y", "unrolled x y c",
                          "x c y", "c x y", "x y c"));
  // 196 features fill vectors of 4, which 8 samples fill as well.
  EXPECT_THAT(of_eight["fc1"], ElementsAre("samples", "features"));
  EXPECT_THAT(families(2)["fc1"], ElementsAre("features", "samples"));
  EXPECT_THAT(of_many["fc1"], ElementsAre("samples"));  // too many registers
  EXPECT_THAT(of_one["fc1"], ElementsAre(""));
}

TEST(ScheduleRecordTest, TargetsAreNamedByTheirStrongestInstructionSet) {
  const auto name = [](const std::string& target) {
    return TargetName(Halide::Target(target));
  };
  EXPECT_EQ(name("x86-64-linux-avx-avx2-f16c-fma-sse41"), "x86-64-linux-avx2");
  EXPECT_EQ(name("x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41"),
            "x86-64-linux-avx512_skylake");
  EXPECT_EQ(name("x86-64-linux-no_asserts-no_bounds_query-no_runtime-sse41"),
            "x86-64-linux-sse41");
  EXPECT_EQ(name("x86-64-linux-large_buffers-sse41"),
            "x86-64-linux-sse41-large_buffers");
  EXPECT_EQ(name("x86-64-linux"), "x86-64-linux");
  EXPECT_EQ(name("arm-64-linux-no_runtime"), "arm-64-linux");
  EXPECT_EQ(name("host"), name("host-no_runtime"));
}

}  // namespace
}  // namespace kiln
