#include "tests/support/forced_schedules.h"

#include <algorithm>
#include <map>

#include "Halide.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "generators/schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/jit.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"
#include "tests/support/temporary_directory.h"

namespace kiln {

namespace {

int Registers() {
  return VectorRegisters(Halide::get_jit_target_from_environment());
}

void ExpectWithinBounds(const Graph& training, const PipelineOptions& options) {
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

}  // namespace

PipelineOptions GradOf(int block) {
  PipelineOptions options;
  options.kind = PipelineKind::kGrad;
  options.block = block;
  return options;
}

std::string EntryText(const std::string& node, const TileSpace& space,
                      const NodeSchedule& schedule,
                      const std::string& computation) {
  return absl::StrCat(
      "\"", node, "\": {\"space\": [", space.vectors, ", ", space.channels,
      ", \"", computation, "\"], \"tile\": [", schedule.tile.vectors, ", ",
      schedule.tile.channels, "]",
      schedule.family.empty()
          ? ""
          : absl::StrCat(", \"family\": \"", schedule.family, "\""),
      "}");
}

std::string RecordText(const std::string& pipeline,
                       const std::vector<std::string>& entries) {
  return absl::StrCat(R"({"kiln_schedules": 3, "pipelines": {")", pipeline,
                      "\": {", absl::StrJoin(entries, ", "), "}}}");
}

absl::StatusOr<ScheduleRecord> ParseRecord(const std::string& text) {
  const TemporaryDirectory directory;
  WriteBytes(directory / "record.json", text);
  return ScheduleRecord::Load(directory / "record.json");
}

std::vector<ScheduleChoice> Choices(const Graph& training,
                                    const PipelineOptions& options,
                                    std::vector<Halide::Func>* outputs) {
  const Graph graph = PipelineGraph(training, options.kind);
  JitInputs inputs(ListArguments(graph, options));
  std::vector<ScheduleChoice> choices;
  const std::vector<Halide::Func> funcs =
      BuildPipeline(graph, options, Halide::get_jit_target_from_environment(),
                    inputs, &choices);
  if (outputs != nullptr) *outputs = funcs;
  return choices;
}

std::vector<std::string> FuncNames(const std::vector<Halide::Func>& outputs) {
  std::vector<Halide::Internal::Function> functions;
  for (const Halide::Func& output : outputs)
    functions.push_back(output.function());
  std::vector<std::string> names;
  for (const auto& [name, func] :
       Halide::Internal::build_environment(functions))
    names.push_back(BaseName(name));
  return names;
}

Tile TileAt(const Family& family, double share) {
  const std::vector<Tile> all = TilesByCost(family.space, Registers());
  EXPECT_FALSE(all.empty()) << family.name;
  return all.empty() ? Tile{}
                     : all[static_cast<size_t>(
                           share * static_cast<double>(all.size() - 1))];
}

int ExpectSameResults(
    const Graph& training, int block,
    const std::function<NodeSchedule(const ScheduleChoice&)>& pick) {
  PipelineOptions options = GradOf(block);
  std::map<std::string, NodeSchedule> schedules;
  std::vector<std::string> entries;
  for (const ScheduleChoice& choice : Choices(training, options)) {
    EXPECT_FALSE(choice.is_tuned);
    EXPECT_EQ(choice.chosen, choice.computed) << choice.node;
    EXPECT_EQ(choice.computed,
              ComputedSchedule(choice.families[0], Registers()));
    const NodeSchedule schedule = pick(choice);
    const auto family = std::find_if(
        choice.families.begin(), choice.families.end(),
        [&](const Family& of) { return of.name == schedule.family; });
    EXPECT_NE(family, choice.families.end()) << schedule.family;
    if (family == choice.families.end()) return 0;
    schedules[choice.node] = schedule;
    entries.push_back(
        EntryText(choice.node, family->space, schedule, choice.computation));
  }
  const auto record =
      ParseRecord(RecordText(absl::StrCat("grad_b", block), entries));
  EXPECT_TRUE(record.ok()) << record.status();
  if (!record.ok()) return 0;
  options.tuned = &*record;

  int changed = 0;
  for (const ScheduleChoice& choice : Choices(training, options)) {
    EXPECT_TRUE(choice.is_tuned) << choice.node;
    EXPECT_EQ(choice.chosen, schedules[choice.node]) << choice.node;
    if (!(choice.chosen == choice.computed)) ++changed;
  }
  EXPECT_THAT(record->Stale(options), testing::IsEmpty());
  ExpectWithinBounds(training, options);
  return changed;
}

}  // namespace kiln
