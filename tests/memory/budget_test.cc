// Budgets on emitted code: what recomputation leaves as it is to the bit, what
// smaller blocks change by rounding alone, and that the memory is within.
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "dsl/rewrite.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"
#include "runtime/random_data.h"
#include "stack_halved.h"
#include "stack_kept.h"
#include "stack_recomputed.h"
#include "tests/support/bundle_runner.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"

namespace kiln {
namespace {

using Json = nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// What the pipelines of a kind, by function, say of themselves.
std::vector<Json> Pipelines(const Bundle& bundle, const std::string& kind) {
  std::vector<Json> pipelines;
  const Json manifest = Json::parse(*ManifestText(bundle));
  for (const Json& p : manifest["pipelines"]) {
    if (p["kind"] == kind) pipelines.push_back(p);
  }
  return pipelines;
}

int64_t MemoryOf(const Json& pipeline) {
  return pipeline["workspace_bytes"].get<int64_t>() +
         pipeline["stack_bytes"].get<int64_t>();
}

// How many values are computed again, as far as they are in the workspace.
int Clones(const Json& pipeline) {
  int clones = 0;
  for (const Json& a : pipeline["allocations"]) {
    if (absl::EndsWith(a["name"].get<std::string>(), "_again")) ++clones;
  }
  return clones;
}

TEST(BudgetTest, EveryPipelineStaysWithin) {
  for (const auto& [bundle, budget] :
       {std::pair(&models::stack_recomputed(), RECOMPUTED_KB * 1024),
        std::pair(&models::stack_halved(), HALVED_KB * 1024)}) {
    for (const char* kind : {"infer", "eval", "grad", "step"}) {
      for (const Json& pipeline : Pipelines(*bundle, kind)) {
        EXPECT_LE(MemoryOf(pipeline), budget) << pipeline["function"];
        EXPECT_EQ(pipeline["budget_bytes"], budget);
      }
    }
  }
  const Json kept = Pipelines(models::stack_kept(), "grad")[0];
  EXPECT_GT(MemoryOf(kept), RECOMPUTED_KB * 1024)
      << "or the budget would change nothing";
}

TEST(BudgetTest, RecomputesAtTheBlockAskedFor) {
  for (const char* kind : {"grad", "step"}) {
    const std::vector<Json> pipelines =
        Pipelines(models::stack_recomputed(), kind);
    ASSERT_EQ(pipelines.size(), 1u);
    EXPECT_EQ(pipelines[0]["block"], 16);
    EXPECT_GT(Clones(pipelines[0]), 0);
    EXPECT_EQ(Clones(Pipelines(models::stack_kept(), kind)[0]), 0);
  }
}

// Blocks of 16 became such of 8, and only one of the two is linked.
TEST(BudgetTest, HalvesTheBlockAndKeepsOneOfTwins) {
  const std::vector<Json> grads = Pipelines(models::stack_halved(), "grad");
  ASSERT_EQ(grads.size(), 1u);
  EXPECT_EQ(grads[0]["block"], 8);
  EXPECT_EQ(Pipelines(models::stack_halved(), "infer").size(), 2u);
}

TEST(BudgetTest, NotesSayWhatWasDone) {
  const auto notes = [](const Bundle& bundle) {
    return Json::parse(*ManifestText(bundle))["notes"].dump();
  };
  EXPECT_THAT(
      notes(models::stack_recomputed()),
      HasSubstr(absl::StrCat("stack_recomputed_grad_b16: within ",
                             Thousands(RECOMPUTED_KB * 1024), " bytes, ")));
  EXPECT_THAT(notes(models::stack_recomputed()),
              ContainsRegex("the backward pass computes [a-z0-9.]+.* again"));
  EXPECT_THAT(notes(models::stack_halved()),
              HasSubstr("blocks of 8 instead of 16"));
  EXPECT_THAT(notes(models::stack_kept()), ::testing::Not(HasSubstr("within")));
}

// A model with random data, trained by batches of 16, 16 and 9 samples.
class TrainedModel {
 public:
  explicit TrainedModel(const Bundle& bundle)
      : model_(*runtime::Model::Create(bundle)),
        data_(MakeRandomDataset(model_->manifest(), 41, /*seed=*/3)),
        binding_(*DataBinding::Create(model_->manifest(), data_)) {
    model_->Initialize(1);
  }

  void Train(int steps, bool fused) {
    Optimizer optimizer = *Optimizer::Create(*model_, OptimizerKind::kSgd);
    optimizer.set_allow_fused(fused);
    Totals totals;
    for (int step = 0; step < steps; ++step) {
      model_->SetRandomKey(/*seed=*/5, step);
      std::vector<int32_t> rows(step % 3 == 2 ? 9 : 16);
      std::iota(rows.begin(), rows.end(), step % 3 * 16);
      const absl::Status status =
          optimizer.Step(binding_, rows, {.learning_rate = 0.1f}, totals);
      ASSERT_TRUE(status.ok()) << status;
    }
    loss_ = totals.MeanLoss();
  }

  const runtime::Model& model() const { return *model_; }
  double loss() const { return loss_; }

 private:
  std::unique_ptr<runtime::Model> model_;
  Dataset data_;
  DataBinding binding_;
  double loss_ = 0;
};

TEST(BudgetTest, RecomputationTrainsToTheSameBits) {
  for (bool fused : {false, true}) {
    TrainedModel kept(models::stack_kept()),
        recomputed(models::stack_recomputed());
    const std::vector<float> initial(kept.model().parameters().begin(),
                                     kept.model().parameters().end());
    kept.Train(6, fused);
    recomputed.Train(6, fused);
    const auto a = kept.model().parameters(),
               b = recomputed.model().parameters();
    ASSERT_EQ(a.size(), b.size());
    EXPECT_NE(std::memcmp(a.data(), initial.data(), a.size() * sizeof(float)),
              0);
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
    EXPECT_EQ(kept.loss(), recomputed.loss());
  }
}

// The same values through all three: the first two agree to the bit, and the
// third is within the rounding errors of its operations.
TEST(BudgetTest, SmallerBlocksChangeRoundingOnly) {
  ModelBuilder builder;
  KilnModelDefinition(builder);
  const Graph training = *BuildTrainingGraph(builder.Build()->graph);
  GraphValues values = RandomValues(training, 24, /*seed=*/8);
  values.seed = 9;
  values.step = 2;
  const auto expected = InterpretOutputs(training, values);
  ASSERT_TRUE(expected.ok()) << expected.status();
  std::vector<PipelineResult> results;
  for (const auto& [bundle, block] :
       {std::pair(&models::stack_kept(), 16),
        std::pair(&models::stack_recomputed(), 16),
        std::pair(&models::stack_halved(), 8)}) {
    const auto result = BundleRunner(*bundle).Run({"grad", block, ""}, values);
    ASSERT_TRUE(result.ok()) << result.status();
    BoundCheck check;
    EXPECT_TRUE(
        check.Compare("gradient", result->gradients, expected->gradients).ok());
    EXPECT_TRUE(check.CompareTotals(*result, *expected).ok());
    results.push_back(*result);
  }
  EXPECT_EQ(results[1].gradients, results[0].gradients);
  EXPECT_NE(results[2].gradients, results[0].gradients)
      << "sums of 8 and of 16 samples are rounded in another order";
}

}  // namespace
}  // namespace kiln
