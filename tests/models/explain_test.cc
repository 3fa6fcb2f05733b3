// The trace pipelines of linked models against their grad pipelines, through
// the runtime.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "logistic_421.h"
#include "mnist_cnn.h"
#include "runtime/explanation.h"
#include "runtime/random_data.h"
#include "runtime/trace.h"
#include "xor_mlp.h"

namespace kiln {
namespace {

class ExplainTest : public ::testing::TestWithParam<const Bundle*> {
 protected:
  void SetUp() override {
    auto model = Model::Create(*GetParam());
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    model_->Initialize(3);
    data_ = MakeRandomDataset(model_->manifest(), 4, 5);
    auto binding = DataBinding::Create(model_->manifest(), data_);
    ASSERT_TRUE(binding.ok()) << binding.status();
    binding_ = std::make_unique<DataBinding>(*binding);
  }

  absl::StatusOr<std::vector<std::vector<double>>> Trace(int64_t sample) {
    return TraceSample(*GetParam(), *model_, *binding_, sample);
  }

  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
};

// Float32 against float64, in other orders of summation: the sums have some
// hundred terms.
constexpr double kTolerance = 1e-5;

TEST_P(ExplainTest, GradientsAndLossAreThoseOfTraining) {
  const Manifest& manifest = model_->manifest();
  for (int32_t sample : {0, 3}) {
    const auto traced = Trace(sample);
    ASSERT_TRUE(traced.ok()) << traced.status();
    Totals totals;
    ASSERT_TRUE(model_->Gradient(*binding_, {sample}, totals).ok());
    int gradients = 0;
    for (size_t i = 0; i < manifest.nodes.size(); ++i) {
      for (const std::string& output : manifest.nodes[i].outputs) {
        if (output == "loss") {
          EXPECT_NEAR((*traced)[i][0], totals.loss,
                      kTolerance * std::abs(totals.loss));
        }
        if (output.rfind("gradient ", 0) != 0) continue;
        ++gradients;
        const int p = manifest.FindParameter(output.substr(9));
        ASSERT_GE(p, 0) << output;
        const ParameterSpec& spec = manifest.parameters[p];
        const auto trained = model_->gradient().subspan(spec.offset, spec.size);
        double largest = 0;
        for (float g : trained)
          largest = std::max<double>(largest, std::abs(g));
        for (int64_t k = 0; k < spec.size; ++k) {
          ASSERT_NEAR((*traced)[i][k], trained[k], kTolerance * largest)
              << spec.name << "[" << k << "], sample " << sample;
        }
      }
    }
    EXPECT_EQ(gradients, manifest.parameters.size());
  }
}

TEST_P(ExplainTest, BothTextsNameEveryNode) {
  const auto traced = Trace(0);
  ASSERT_TRUE(traced.ok()) << traced.status();
  const Explanation e{.manifest = model_->manifest(),
                      .values = *traced,
                      .sample = "s",
                      .weights = "w",
                      .max_values = 4};
  const std::string text = ExplainAsText(e), latex = ExplainAsLatex(e);
  for (const NodeSpec& node : e.manifest.nodes) {
    EXPECT_NE(text.find("  " + node.formula), std::string::npos) << node.name;
    const bool is_source = PartOf(node) == ExplainedPart::kSource;
    EXPECT_NE(latex.find(is_source ? node.symbol : node.latex),
              std::string::npos)
        << node.name;
    EXPECT_NE(node.formula.find(" = "), std::string::npos) << node.formula;
  }
}

TEST_P(ExplainTest, ThereIsNoSuchSample) {
  for (int64_t sample : {-1, 4}) {
    const auto traced = Trace(sample);
    EXPECT_EQ(traced.status().code(), absl::StatusCode::kOutOfRange);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ExplainTest,
                         ::testing::Values(&models::logistic_421(),
                                           &models::mnist_cnn(),
                                           &models::xor_mlp()),
                         [](const auto& info) {
                           return std::string(info.param->name);
                         });

}  // namespace
}  // namespace kiln
