#include "tests/random_graphs/recomputed.h"

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/passes.h"
#include "dsl/recompute.h"
#include "generators/arguments.h"
#include "tests/random_graphs/failures.h"
#include "tests/support/jit.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// All that a gradient pipeline gives, by name.
std::map<std::string, std::vector<double>> Numbers(const PipelineResult& r) {
  std::map<std::string, std::vector<double>> numbers = {{"the loss", {r.loss}}};
  for (const auto& [name, metric] : r.metrics)
    numbers["metric " + name] = {metric};
  for (const auto& [name, gradient] : r.gradients)
    numbers["gradient " + name] = gradient;
  for (const auto& [name, state] : r.next_state)
    numbers["state " + name] = state;
  return numbers;
}

// Which of them differ in a bit.
std::vector<std::string> Differences(const PipelineResult& expected,
                                     const PipelineResult& actual,
                                     int64_t* compared) {
  const auto numbers = Numbers(actual);
  std::vector<std::string> different;
  for (const auto& [name, values] : Numbers(expected)) {
    const std::vector<double>& others = numbers.at(name);
    *compared += static_cast<int64_t>(values.size());
    if (others.size() != values.size() ||
        std::memcmp(others.data(), values.data(),
                    values.size() * sizeof(double)) != 0)
      different.push_back(name);
  }
  return different;
}

std::vector<std::set<std::string>> DroppedSets(const Graph& training,
                                               uint64_t seed) {
  const std::set<std::string> all = RecomputableValues(training);
  std::set<std::string> every_other, drawn;
  Random random(seed);
  bool take = false;
  for (const std::string& value : all) {
    if ((take = !take)) every_other.insert(value);
    if (random.Integer(4) == 0) drawn.insert(value);
  }
  const std::set<std::string> least =
      RecomputeLevels(PipelineGraph(training, PipelineKind::kGrad))
          .back()
          .dropped;
  std::set<std::set<std::string>> sets = {all, every_other, least, drawn};
  sets.erase(std::set<std::string>{});
  return {sets.begin(), sets.end()};
}

}  // namespace

absl::Status CheckRecomputed(uint64_t seed, int block,
                             const std::string& scheduled_for,
                             RecomputedCounts* counts) {
  const absl::StatusOr<RandomGraph> made = MakeRandomGraph(seed);
  if (!made.ok()) return Named("Build", made.status());
  const absl::StatusOr<Graph> training = BuildTrainingGraph(made->model.graph);
  if (!training.ok()) return Named("BuildTrainingGraph", training.status());
  const GraphValues values = RandomGraphValues(*training, block, seed);
  const PipelineOptions options = {PipelineKind::kGrad, block, Schedule::kFast,
                                   ""};
  const absl::StatusOr<PipelineResult> expected =
      RunJit(*training, options, values, scheduled_for);
  if (!expected.ok()) return Named("as it is", expected.status());
  std::vector<std::string> wrong;
  for (const std::set<std::string>& dropped : DroppedSets(*training, seed)) {
    const absl::StatusOr<Graph> graph = RecomputeInBackward(*training, dropped);
    if (!graph.ok()) return Named("RecomputeInBackward", graph.status());
    const absl::StatusOr<PipelineResult> actual =
        RunJit(*graph, options, values, scheduled_for);
    if (!actual.ok()) return Named("recomputed", actual.status());
    const std::vector<std::string> different =
        Differences(*expected, *actual, &counts->numbers);
    ++counts->pipelines;
    if (different.empty()) continue;
    wrong.push_back(absl::StrCat("without ", absl::StrJoin(dropped, ", "),
                                 " other bits in ",
                                 absl::StrJoin(different, ", ")));
  }
  if (wrong.empty()) return absl::OkStatus();
  return Wrong(absl::StrCat("block ", block, ": ", absl::StrJoin(wrong, "; ")));
}

}  // namespace kiln
