// Each model learns what it is for, with its model file's defaults: at least
// four of five seeds reach the row's result. REPORT lines say what each seed
// reached beside what was published.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "emitted_models.inc"
#include "gtest/gtest.h"
#include "runtime/model.h"
#include "runtime/trainer.h"
#include "runtime/verbs/verb.h"
#include "tests/support/mnist.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

constexpr int kSeeds = 5;
constexpr int kMustReach = 4;

struct Row {
  std::string model;
  std::string data;    // "mnist": the real one
  std::string metric;  // of the test part; "loss": at most `goal`
  double goal;
  std::string published = "";  // what others report of this model
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.model << " on " << row.data;
}

const Bundle& BundleOf(const std::string& model) {
  for (const EmittedModel& emitted : EmittedModels()) {
    if (emitted.name == model) return emitted.bundle();
  }
  ADD_FAILURE() << "no model is called " << model;
  return EmittedModels()[0].bundle();
}

// Trained from `seed`; the result on the test part.
double Result(Model& model, const BoundData& data, const std::string& metric,
              uint64_t seed) {
  model.Initialize(seed);
  TrainingOptions options = *OptionsFromDefaults(model.manifest().defaults);
  options.seed = seed;
  auto trainer = Trainer::Create(
      model, data.train(), options.stop_at_accuracy > 0 ? data.test() : nullptr,
      options);
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  if (!trainer.ok()) return std::nan("");
  const auto run = trainer->Run();
  EXPECT_TRUE(run.ok()) << run.status();
  Totals totals;
  EXPECT_TRUE(model.Evaluate(*data.test(), totals).ok());
  return metric == "loss"
             ? totals.MeanLoss()
             : totals.MeanMetric(model.manifest().FindMetric(metric));
}

class LearningTest : public ::testing::TestWithParam<Row> {};

TEST_P(LearningTest, FourOfFiveSeedsReachTheResult) {
  const Row& row = GetParam();
  const bool is_mnist = row.data == "mnist";
  if (is_mnist) KILN_SKIP_WITHOUT_MNIST();
  const std::unique_ptr<Model> model = *Model::Create(BundleOf(row.model));
  const bool is_loss = row.metric == "loss";
  ASSERT_TRUE(is_loss || model->manifest().FindMetric(row.metric) >= 0);
  const auto data = BoundData::Load(
      model->manifest(), {.source = is_mnist ? MnistDirectory() : row.data});
  ASSERT_TRUE(data.ok()) << data.status();
  int reached = 0;
  std::vector<std::string> results;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const double result = Result(*model, **data, row.metric, seed);
    reached += is_loss ? result <= row.goal : result >= row.goal;
    results.push_back(is_loss ? absl::StrFormat("%.4f", result)
                              : absl::StrFormat("%.2f", 100 * result));
  }
  const std::string text = absl::StrJoin(results, " ");
  EXPECT_GE(reached, kMustReach) << text;
  ReportLine(absl::StrFormat(
      "learned %s on %s: %s%s %s of seeds 1 to 5%s", row.model, row.data,
      row.metric, is_loss ? "" : " %", text,
      row.published.empty() ? "" : "; published: " + row.published));
}

// Where nothing is published, the goal is what leaves a worse model behind:
// fc_net with sigmoids need not get anywhere, but better than guessing.
std::vector<Row> Rows() {
  std::vector<Row> rows = {
      {"xor_mlp", "xor", "accuracy", 1},
      {"xor_mlp_sigmoid", "xor", "accuracy", 1},
      {"xor_mlp_relu", "xor", "accuracy", 1},
      {"xor_mlp", "xor_cloud", "accuracy", 0.98},
      {"part2_fc", "plane", "accuracy", 0.90, "at least 90 %"},
      {"fc_net_sigmoid_l2", "random4x4", "accuracy", 0.6},
      {"fc_net_sigmoid_ce", "random4x4", "accuracy", 0.6},
      {"fc_net_relu_l2", "random4x4", "accuracy", 1},
      {"fc_net_relu_ce", "random4x4", "accuracy", 1},
      {"regression_1d_relu", "regression", "loss", 0.02},
      {"regression_1d_sigmoid", "regression", "loss", 0.02},
      {"mlp_1", "digits", "accuracy", 0.9},
      {"mlp_2", "digits", "accuracy", 0.9},
      {"cnn_3", "digits", "accuracy", 0.95},
      {"cnn_4", "digits", "accuracy", 0.95},
      {"cnn_5", "digits", "accuracy", 0.95},
      {"mnist_cnn", "digits", "accuracy", 0.97},
      {"mnist_cnn", "mnist", "accuracy", 0.985, "98 % after two epochs"},
      {"mnist_fc", "mnist", "accuracy", 0.965, "97 %"},
      {"lenet5", "mnist", "accuracy", 0.981},
  };
  for (const char* suffix : {"", "_leaky_relu", "_prelu", "_rrelu", "_crelu",
                             "_elu", "_selu", "_custom"}) {
    rows.push_back({absl::StrCat("line_cnn", suffix), "lines", "accuracy", 1});
    rows.push_back({absl::StrCat("detection_cnn", suffix), "detection",
                    "width_accuracy", 1});
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Models, LearningTest, ::testing::ValuesIn(Rows()),
                         [](const auto& info) {
                           return info.param.model + "_on_" + info.param.data;
                         });

}  // namespace
}  // namespace kiln
