// A few hundred random graphs; scripts/random_graphs checks as many as there is
// time for.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/activations.h"
#include "dsl/passes.h"
#include "dsl/prepare.h"
#include "gtest/gtest.h"
#include "tests/ops/references.h"
#include "tests/random_graphs/check.h"
#include "tests/random_graphs/counts.h"
#include "tests/random_graphs/recomputed.h"
#include "tests/support/random_graph.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

// Seeds 1 to kSeeds are interpreted, the first kCompiledSeeds also compiled.
constexpr uint64_t kSeeds = 400;
constexpr uint64_t kCompiledSeeds = 16;
constexpr int kShards = 8;  // of each kind, for ctest to run in parallel

class RandomGraphsTest : public ::testing::TestWithParam<int> {
 protected:
  // Seeds of this shard.
  static void Check(uint64_t first, uint64_t last, bool compile) {
    RandomGraphCounts counts;
    for (uint64_t seed = first + GetParam(); seed <= last; seed += kShards) {
      const absl::Status status = CheckRandomGraph(seed, compile, &counts);
      EXPECT_TRUE(status.ok())
          << "scripts/random_graphs --seed=" << seed << ": " << status;
    }
    const std::string title = "random graphs";
    ReportSum(title, "interpreted", counts.graphs);
    ReportSum(title, "compiled", counts.compiled);
    ReportSum(title, "numbers compared bit by bit", counts.identical);
    ReportSum(title, "in another order", counts.reordered);
    ReportSum(title, "with finite differences", counts.differences);
    ReportSum(title, "of emitted code", counts.emitted);
    ReportSum(
        title, "draws of values refused",
        counts.redrawn_zero + counts.redrawn_kink + counts.redrawn_smooth);
  }
};

TEST_P(RandomGraphsTest, Compiled) { Check(1, kCompiledSeeds, true); }

TEST_P(RandomGraphsTest, Interpreted) {
  Check(kCompiledSeeds + 1, kSeeds, false);
}

INSTANTIATE_TEST_SUITE_P(Shards, RandomGraphsTest,
                         ::testing::Range(0, kShards));

// A seed to a block. Some have the schedules of a wider machine, which meet
// more of what LLVM could round in two ways: without RoundingPass the first
// fails.
class RecomputedGraphTest : public ::testing::TestWithParam<int> {};

TEST_P(RecomputedGraphTest, HasTheSameBits) {
  constexpr int kBlocks[] = {16, 64, 1, 4, 8};
  constexpr uint64_t kFirstSeed = 11;
  const uint64_t seed = kFirstSeed + GetParam();
  const int block = kBlocks[GetParam()];
  const std::string scheduled_for =
      GetParam() % 3 == 0
          ? "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41"
          : "";
  RecomputedCounts counts;
  const absl::Status status =
      CheckRecomputed(seed, block, scheduled_for, &counts);
  EXPECT_TRUE(status.ok()) << "seed " << seed << ": " << status;
  EXPECT_GT(counts.pipelines, 0);
  const std::string title = "recomputation";
  ReportSum(title, "pipelines", counts.pipelines);
  ReportSum(title, "numbers compared bit by bit", counts.numbers);
}

INSTANTIATE_TEST_SUITE_P(Blocks, RecomputedGraphTest, ::testing::Range(0, 5));

// In how many graphs each thing occurs.
using Occurrences = std::map<std::string, int>;

Occurrences Count(uint64_t last_seed) {
  Occurrences occurrences;
  for (uint64_t seed = 1; seed <= last_seed; ++seed) {
    const auto random = MakeRandomGraph(seed);
    EXPECT_TRUE(random.ok()) << "seed " << seed << ": " << random.status();
    if (!random.ok()) continue;
    const auto training = BuildTrainingGraph(random->model.graph);
    EXPECT_TRUE(training.ok()) << "seed " << seed << ": " << training.status();
    if (!training.ok()) continue;
    std::set<std::string> found = random->features;
    // A branch is read more than once; a join reads several values.
    const Graph& forward = random->model.graph;
    const auto users = forward.Users();
    int branches = 0, joins = 0;
    for (NodeId id = 0; id < forward.size(); ++id) {
      const Node& node = forward.node(id);
      found.insert(absl::StrCat("forward ", node.op->name()));
      if (node.inputs.empty()) continue;
      int computed = 0;
      for (NodeId input : node.inputs) {
        computed += forward.node(input).type.per_sample &&
                    !forward.node(input).inputs.empty();
      }
      branches += users[id].size() > 1;
      joins += computed > 1;
    }
    if (branches > 1) found.insert("several branches");
    if (joins > 1) found.insert("several joins");
    for (const Node& node : training->nodes()) {
      found.insert(absl::StrCat("op ", node.op->name()));
    }
    const absl::StatusOr<InferencePlan> plan = PlanInference(forward);
    if (!plan.ok()) continue;  // the check itself reports it
    for (const Graph* graph : {&plan->prepare, &plan->infer}) {
      for (const Node& node : graph->nodes())
        found.insert(absl::StrCat("op ", node.op->name()));
    }
    for (const std::string& thing : found) ++occurrences[thing];
  }
  return occurrences;
}

// Of batch normalisation, which wants a batch in one block and its gradients
// away from those that it cancels (a bias before it): tests/modes has it in
// whole models.
bool IsOfBatchStatistics(absl::string_view op) {
  return absl::StartsWith(op, "batch_mean") ||
         absl::StartsWith(op, "batch_variance") || op == "batch_norm" ||
         op == "unbiased_variance";
}

// What must occur in some of the graphs, or the test above means little.
std::set<std::string> Wanted() {
  std::set<std::string> wanted(RandomGraphFeatures().begin(),
                               RandomGraphFeatures().end());
  // What differentiation alone adds, besides ops called "..._grad".
  // And what the passes of inference add.
  const std::set<absl::string_view> backward = {
      "batch_sum", "max_pool_index", "sample_weight", "prepared",
      "matmul",    "matvec",         "scale_rows"};
  for (absl::string_view op : ReferencedOps()) {
    if (IsOfBatchStatistics(op)) continue;
    wanted.insert(absl::StrCat("op ", op));
    if (backward.count(op) > 0 || absl::EndsWith(op, "_grad")) continue;
    wanted.insert(absl::StrCat("forward ", op));
  }
  for (const Activation& activation : Activations()) {
    wanted.insert(absl::StrCat("activation ", activation.name));
  }
  wanted.insert({"several branches", "several joins"});
  return wanted;
}

TEST(RandomGraphsCoverageTest, EveryOpAndFeatureOccurs) {
  const Occurrences occurrences = Count(kSeeds);
  const std::set<std::string> wanted = Wanted();
  for (const std::string& thing : wanted) {
    const auto found = occurrences.find(thing);
    EXPECT_GE(found == occurrences.end() ? 0 : found->second, 10) << thing;
  }
  for (const auto& [thing, count] : occurrences) {
    EXPECT_EQ(wanted.count(thing), 1u) << thing << " is not in the list";
  }
  std::vector<std::pair<int, std::string>> rarest;
  for (const auto& [thing, count] : occurrences) {
    rarest.push_back({count, thing});
  }
  std::sort(rarest.begin(), rarest.end());
  rarest.resize(std::min<size_t>(rarest.size(), 6));
  ReportLine(
      absl::StrCat("random graphs: ", occurrences.size(),
                   " ops and features in ", kSeeds, " graphs; the rarest: ",
                   absl::StrJoin(rarest, ", ", absl::PairFormatter(" x "))));
}

TEST(RandomGraphsCoverageTest, EveryOpIsCompiled) {
  const Occurrences occurrences = Count(kCompiledSeeds);
  // What folding makes is rare in so few: tests/models/folded_test compiles it.
  const std::set<absl::string_view> folded = {"prepared", "matmul", "matvec",
                                              "scale_rows"};
  for (absl::string_view op : ReferencedOps()) {
    if (IsOfBatchStatistics(op)) continue;
    if (folded.count(op) > 0) continue;
    EXPECT_EQ(occurrences.count(absl::StrCat("op ", op)), 1u) << op;
  }
}

}  // namespace
}  // namespace kiln
